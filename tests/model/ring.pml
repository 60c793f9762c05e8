/* A ring that grows and shrinks: daemon/stream_rings.cc and stream_broker.cc (who is admitted, and
 * what images there are), base/stream/producer_core.cc and slot_ledger.cc (which of them are
 * rendered into), consumer_core.cc (which of them a frame may be in).
 *
 * The broker alone decides who is admitted. Under its lock it knows how many images the members
 * need (base/stream/commitment.h): what all of them may hold, one to render and one for the newest
 * frame. A consumer with whom they would need more than the ceiling is refused. If the ring has too
 * few images, the broker makes some without its lock, looks again how many are needed, and appends
 * these. The producer takes an idle image out of its ledger, and then asks the broker to remove it.
 *
 * There is a channel of messages to the producer, one from it, and one to each consumer; each keeps
 * its order. So a consumer may get a frame before it is told of the frame's image. What is done
 * under one lock is one step, and so are offering, taking and releasing a frame: lane.pml shows how
 * these are done in shared memory. A lane is a set of images here, because their order does not
 * matter. The producer renders one image at a time and keeps the newest frame. Consumers come,
 * leave and come again, and hold frames as long as they like. Making images may fail.
 *
 * Checked in every state that can be reached:
 *   - once all messages have arrived, an image is free to be rendered into;
 *   - once they have arrived, broker and producer have the same images;
 *   - the ring never has more images than its ceiling;
 *   - the producer never turns away a consumer that was admitted;
 *   - an image that the broker removes is in nobody's hands, and no frame in it is offered later;
 *   - a consumer uses for each frame the image that it was rendered into, and is told of it;
 *   - a mailbox always has the newest frame, unless it was taken.
 *
 * -DFIRST, -DSECOND, -DTHIRD: the consumers, by mode and limit: FIFO_1, FIFO_2, MAILBOX_2,
 * MAILBOX_3 or NOBODY. -DBREAK=... breaks a rule; every one of these models must fail. */

#define NOTHING 0
#define ASK_FIRST 1      /* the producer asks the broker, and takes the image out when it agrees */
#define NO_SECOND_LOOK 2 /* when the images are made, the consumer is admitted without a look */
#define APPEND_ALL 3     /* all that was made is appended, needed or not */
#define TURN_AWAY 4      /* the producer refuses whom it has too few images for */
#define JOINED_FIRST 5   /* the same, told of the consumer before it is told of its images */
#define NO_NEWEST 6      /* the newest frame's image is not counted */
#define REUSE 7          /* a number is given again when its image is gone */
#define AGREE_ALWAYS 8   /* the broker removes whatever the producer does not need */
#define TOLD_OF_ALL 9    /* a frame in an unknown image is taken for a broken producer's */
#define UNTOLD_MEMBERS 10 /* those who are there already are not told of new images */
#define KEPT_IN_VAIN 11  /* an image that the broker keeps is not rendered into again */
#define NOTHING_FIRST 12 /* who joins is not given the newest frame */

#ifndef BREAK
#define BREAK NOTHING
#endif
#define NOBODY 0
#define FIFO_1 1
#define FIFO_2 2
#define MAILBOX_2 102 /* 100 and its limit */
#define MAILBOX_3 103
#ifndef FIRST
#define FIRST MAILBOX_2
#endif
#ifndef SECOND
#define SECOND FIFO_1
#endif
#ifndef THIRD
#define THIRD NOBODY
#endif
#ifndef FLOOR
#define FLOOR 2
#endif
#ifndef CEILING
#define CEILING 4
#endif
#ifndef JOINS
#define JOINS 2 /* over all consumers */
#endif

#ifndef GROWTH
#define GROWTH 2 /* images that can be made, over all */
#endif

#define CONSUMERS 3
#define NONE 255
#include "sets.pml"
#define IMAGES MEMBERS /* numbers: at least FLOOR + GROWTH */

#define IS_MAILBOX(terms) ((terms) > 100)
#define HOLDS(terms) (IS_MAILBOX(terms) -> (terms) - 101 : (terms))

mtype = { ADDED, GONE, KEPT, JOINED, LEFT };

/* ---- The broker's ---- */
byte ring;             /* the images that there are */
byte memory[IMAGES];   /* what each number means now: 1 is the first image that had it, and so on */
byte last_image;       /* the highest number so far */
byte grown;            /* images that were appended over all */
byte member;           /* consumers that were admitted */
byte joins;

/* ---- Channels: of an image or a consumer, and for ADDED what the number means ---- */
chan to_producer = [12] of { mtype, byte, byte };
chan to_broker = [1] of { byte };
chan to_consumer[CONSUMERS] = [8] of { mtype, byte, byte };

/* ---- The producer's ---- */
byte ledger;           /* images that it may render into */
byte out;              /* taken out, until the broker has answered */
byte rendering = NONE, newest = NONE;
byte known;            /* consumers that it was told of */
byte held[CONSUMERS];  /* images that each has or can take */

/* ---- The lanes ---- */
byte lane[CONSUMERS];  /* images to be taken */
bit took_newest[CONSUMERS];

/* ---- The consumers' ---- */
byte terms[CONSUMERS];
byte hands[CONSUMERS]; /* images that it uses */
byte pending[CONSUMERS]; /* taken, but of an image that it was not told of */
byte knows[CONSUMERS * IMAGES]; /* what each number means to it, 0: not told */
#define KNOWS(me, image) knows[(me) * IMAGES + (image)]

/* Results of the following, within one step. */
hidden byte needed;
hidden byte c_;

#define HELD (held[0] | held[1] | held[2])
#define USED (hands[0] | hands[1] | hands[2] | pending[0] | pending[1] | pending[2])

/* For these consumers. */
inline count_needed(here) {
  needed = (BREAK == NO_NEWEST -> 1 : 2);
  c_ = 0;
  do
  :: c_ < CONSUMERS ->
     if :: IN(here, c_) -> needed = needed + HOLDS(terms[c_]) :: else fi;
     c_++
  :: else -> break
  od
}

inline tell(channel, kind, what, meaning) {
  assert(nfull(channel));
  channel ! kind(what, meaning)
}

inline tell_members(kind, what, meaning) {
  c_ = 0;
  do
  :: c_ < CONSUMERS ->
     if :: IN(member, c_) -> tell(to_consumer[c_], kind, what, meaning) :: else fi;
     c_++
  :: else -> break
  od
}

/* ---- The broker ---- */

inline append_one() {
  if
  :: BREAK == REUSE ->
     i_ = 0;
     do :: IN(ring, i_) -> i_++ :: else -> break od
  :: else ->
     last_image++;
     i_ = last_image
  fi;
  grown++;
  ring = ring | ONLY(i_);
  memory[i_]++;
  if
  :: BREAK == JOINED_FIRST -> deferred = deferred | ONLY(i_)
  :: else -> tell(to_producer, ADDED, i_, memory[i_])
  fi;
  if :: BREAK == UNTOLD_MEMBERS -> skip :: else -> tell_members(ADDED, i_, memory[i_]) fi
}

/* What the producer is told later than it should be. */
inline tell_deferred() {
  do
  :: deferred != 0 ->
     pick(deferred);
     tell(to_producer, ADDED, picked, 1);
     deferred = deferred & ~ONLY(picked)
  :: else -> break
  od
}

inline learn_all() {
  i_ = 0;
  do
  :: i_ < IMAGES -> KNOWS(me, i_) = (IN(ring, i_) -> memory[i_] : 0); i_++
  :: else -> break
  od
}

/* Answers what the producer returns. */
proctype Broker() {
  byte image;
end:
  do
  :: atomic {
       to_broker ? image;
       count_needed(member);
       count(ring);
       if
       :: counted > FLOOR && (counted > needed || BREAK == AGREE_ALWAYS) ->
          assert(!IN(USED | HELD, image) && image != rendering && image != newest);
          ring = ring & ~ONLY(image);
          tell(to_producer, GONE, image, 0);
          tell_members(GONE, image, 0)
       :: else -> tell(to_producer, KEPT, image, 0)
       fi;
       image = 0
     }
  od
}

/* ---- The producer ---- */

inline offer(image) {
  if
  :: IS_MAILBOX(terms[c_]) ->
     held[c_] = (held[c_] & ~lane[c_]) | ONLY(image);
     lane[c_] = ONLY(image);
     took_newest[c_] = 0;
     count(held[c_]);
     assert(counted <= HOLDS(terms[c_]) + 1)
  :: else ->
     count(held[c_]);
     if
     :: counted < HOLDS(terms[c_]) ->
        held[c_] = held[c_] | ONLY(image);
        lane[c_] = lane[c_] | ONLY(image)
     :: else /* it misses this one */
     fi
  fi
}

#define FREE (ledger & ~HELD & ~(newest == NONE -> 0 : ONLY(newest)) & \
              ~(rendering == NONE -> 0 : ONLY(rendering)))

proctype Producer() {
  byte what, meaning;
end:
  do
  :: atomic { rendering == NONE && FREE != 0 -> pick(FREE); rendering = picked }
  :: atomic {
       rendering != NONE ->
       assert(IN(ring, rendering));
       newest = rendering;
       rendering = NONE;
       c_ = 0;
       do
       :: c_ < CONSUMERS -> if :: IN(known, c_) -> offer(newest) :: else fi; c_++
       :: else -> break
       od
     }
  :: atomic {
       to_producer ? ADDED(what, meaning) ->
       ledger = ledger | ONLY(what);
       what = 0;
       meaning = 0
     }
  :: atomic {
       to_producer ? JOINED(what, meaning) ->
       known = known | ONLY(what);
       count_needed(known);
       count(ledger);
       assert((BREAK != TURN_AWAY && BREAK != JOINED_FIRST) || counted >= needed);
       c_ = what;
       if :: newest != NONE && BREAK != NOTHING_FIRST -> offer(newest) :: else fi;
       what = 0
     }
  :: atomic {
       to_producer ? LEFT(what, meaning) ->
       known = known & ~ONLY(what);
       held[what] = 0;
       lane[what] = 0;
       took_newest[what] = 0;
       what = 0
     }
  :: atomic {
       to_producer ? KEPT(what, meaning) ->
       if :: BREAK == KEPT_IN_VAIN -> skip :: else -> ledger = ledger | ONLY(what) fi;
       out = 0;
       what = 0
     }
  :: atomic {
       to_producer ? GONE(what, meaning) ->
       ledger = ledger & ~ONLY(what); /* it is out already, but for ASK_FIRST */
       out = 0;
       what = 0
     }
  /* Gives an image back that is more than it needs. */
  :: atomic {
       out == 0 && (FREE & ~ONLY(0)) != 0 ->
       count_needed(known);
       count(ledger);
       if
       :: counted > FLOOR && counted > needed ->
          pick(FREE & ~ONLY(0));
          out = ONLY(picked);
          if :: BREAK == ASK_FIRST -> skip :: else -> ledger = ledger & ~out fi;
          to_broker ! picked
       :: else
       fi
     }
  od
}

/* ---- A consumer ---- */

inline use(image) {
  assert(IN(ring, image) && KNOWS(me, image) == memory[image]);
  hands[me] = hands[me] | ONLY(image)
}

proctype Consumer(byte me) {
  byte promised, what, meaning, deferred;
  bool made;

again:
  atomic { joins < JOINS -> joins++ };
  do
  :: atomic {
       count_needed(member | ONLY(me));
       count(ring);
       if
       :: needed > CEILING && !(BREAK == NO_SECOND_LOOK && made) -> tell_deferred(); goto refused
       :: else
       fi;
       if
       :: counted >= needed || (BREAK == NO_SECOND_LOOK && made) ->
          member = member | ONLY(me);
          learn_all();
          tell(to_producer, JOINED, me, 0);
          tell_deferred();
          promised = 0;
          made = false;
          break
       :: else -> promised = needed - counted
       fi
     };
     /* The images are made, without the lock; then they are appended, with it. */
     atomic {
       count_needed(member | ONLY(me));
       count(ring);
       if
       :: BREAK == APPEND_ALL || (needed <= CEILING && counted + promised <= needed)
       :: else -> promised = (needed <= CEILING && counted < needed -> needed - counted : 0)
       fi;
       if
       :: grown + promised > GROWTH -> tell_deferred(); goto refused /* they cannot be made */
       :: else
       fi;
       do
       :: promised > 0 -> append_one(); promised--
       :: else -> break
       od;
       count(ring);
       assert(counted <= CEILING);
       made = true
     }
  od;

  do
  :: atomic {
       to_consumer[me] ? ADDED(what, meaning) ->
       KNOWS(me, what) = meaning;
       if
       :: pending[me] == ONLY(what) -> pending[me] = 0; use(what)
       :: else
       fi;
       what = 0;
       meaning = 0
     }
  :: atomic { to_consumer[me] ? GONE(what, meaning) -> KNOWS(me, what) = 0; what = 0 }
  :: atomic {
       pending[me] == 0 && lane[me] != 0 ->
       count(hands[me]);
       if
       :: counted < HOLDS(terms[me]) ->
          pick(lane[me]);
          lane[me] = lane[me] & ~ONLY(picked);
          if :: picked == newest -> took_newest[me] = 1 :: else fi;
          if
          :: KNOWS(me, picked) != 0 -> use(picked)
          :: else -> assert(BREAK != TOLD_OF_ALL); pending[me] = ONLY(picked)
          fi
       :: else
       fi
     }
  :: atomic {
       hands[me] != 0 ->
       pick(hands[me]);
       hands[me] = hands[me] & ~ONLY(picked);
       held[me] = held[me] & ~ONLY(picked)
     }
  :: atomic {
       member = member & ~ONLY(me);
       hands[me] = 0;
       pending[me] = 0;
       do :: to_consumer[me] ? what, meaning, _ :: empty(to_consumer[me]) -> break od;
       i_ = 0;
       do :: i_ < IMAGES -> KNOWS(me, i_) = 0; i_++ :: else -> break od;
       what = 0;
       meaning = 0;
       tell(to_producer, LEFT, me, 0);
       break
     }
  od;
  !IN(known, me) && empty(to_producer);
refused:
  atomic { made = false; promised = 0; if :: joins < JOINS -> goto again :: else fi }
}

/* ---- What must hold ---- */

#define SETTLED (empty(to_producer) && empty(to_broker) && out == 0)
#define UNTOLD(c) (SETTLED && empty(to_consumer[c]) && pending[c] != 0)
#define MISSES_NEWEST(c) \
  (IN(known, c) && IS_MAILBOX(terms[c]) && newest != NONE && !took_newest[c] && \
   !IN(lane[c], newest))

proctype Watch() {
end:
  do
  :: atomic { SETTLED && rendering == NONE && FREE == 0 -> assert(false) } /* it is starved */
  :: atomic { SETTLED && ledger != ring -> assert(false) }
  :: atomic { UNTOLD(0) || UNTOLD(1) || UNTOLD(2) -> assert(false) }
  :: atomic { MISSES_NEWEST(0) || MISSES_NEWEST(1) || MISSES_NEWEST(2) -> assert(false) }
  od
}

init {
  atomic {
    terms[0] = FIRST;
    terms[1] = SECOND;
    terms[2] = THIRD;
    i_ = 0;
    do
    :: i_ < FLOOR -> ring = ring | ONLY(i_); memory[i_] = 1; last_image = i_; i_++
    :: else -> break
    od;
    ledger = ring;
    run Broker();
    run Producer();
    run Watch();
    if :: FIRST != NOBODY -> run Consumer(0) :: else fi;
    if :: SECOND != NOBODY -> run Consumer(1) :: else fi;
    if :: THIRD != NOBODY -> run Consumer(2) :: else fi
  }
}
