/* How rings are numbered over restarts of the broker: client/src/stream_producer.cc (Resize(),
 * Renew()), stream_consumer.cc (AwaitRing()), stream_store.cc.
 *
 * Each broker numbers a stream's rings from 1. The client adds to that the newest number that its
 * store had when it began to make its part with this broker, and gives the sum to the application,
 * which keeps its imports by it. So a number must never name two rings.
 *
 * The producer's side: the follower's thread makes a part with each new broker, while the
 * application's thread resizes; a broker may die at any moment, and one that is stopping may still
 * answer a call when the next one has begun. The consumer's side: the follower's thread hears of
 * rings, and makes a part with the next broker, while the application's thread takes the frames of
 * the old part, of which some are in a ring that the old broker never came to tell of.
 *
 * A part and a ring are named by their broker's number here. The store is never cleared, so a
 * number that was used once is seen when it is used again. What is done under the client's lock,
 * and a call to the broker, is one step; between the answer and what is made of it there is time.
 *
 * Checked in every state that can be reached:
 *   - no number names two rings;
 *   - the newest part has the size that was asked for last;
 *   - the application gets each frame with the ring that it was rendered into;
 *   - nobody asks a core for ever for a frame that it cannot give, and nobody waits for ever.
 *
 * -DSIDE=PRODUCER | CONSUMER. -DBREAK=... breaks a rule; every one of these models must fail. */

#define PRODUCER 1
#define CONSUMER 2

#define NOTHING 0
#define NOT_EXCLUSIVE 1 /* a part is made while another thread resizes */
#define OLD_PART 2      /* the current part is resized, though the next one has its numbers */
#define ASK_STORE 3     /* whether a frame's ring is known is looked up in the store */
#define TRUST_NUMBER 4  /* a frame is handed out if the store has a ring of its number */
#define WAIT_BLINDLY 5  /* who waits for a ring does not see that the broker is gone */

#ifndef SIDE
#define SIDE PRODUCER
#endif
#ifndef BREAK
#define BREAK NOTHING
#endif
#ifndef BROKERS
#define BROKERS 3
#endif
#ifndef RESIZES
#define RESIZES 3
#endif

#define NUMBERS 10
#define RING(broker, number) ((broker) * 8 + (number))

byte broker = 1;        /* the one that runs */
bool no_more_restarts;
byte made[BROKERS + 1]; /* rings that each broker has made */

/* ---- The client's ---- */
byte store[NUMBERS];     /* the ring of each number, 0: none */
byte newest;             /* number in the store */
byte first[BROKERS + 1]; /* to be added to the numbers of the part with this broker */
byte current = 1, next;  /* parts; next 0: none */
bit numbering;           /* the lock: one part is made or resized at a time */
byte size[BROKERS + 1];  /* of each part's newest ring */
byte wanted;             /* the size that was asked for last */

#define LOCK \
  if :: BREAK == NOT_EXCLUSIVE -> skip :: else -> atomic { !numbering -> numbering = 1 } fi
#define UNLOCK \
  if :: BREAK == NOT_EXCLUSIVE -> skip :: else -> numbering = 0 fi

inline add_ring(part, number) {
  atomic {
    assert(store[first[part] + (number)] == 0);
    store[first[part] + (number)] = RING(part, number);
    newest = (newest > first[part] + (number) -> newest : first[part] + (number))
  }
}

proctype Broker() {
  do
  :: broker < BROKERS -> broker++
  :: break
  od;
  no_more_restarts = true
}

/* A call to the broker of a part: answered, or not. The reply has the ring's number. */
#define ANSWERS(part) (part == broker || part + 1 == broker)

/* ---- The producer's side ---- */

proctype ProducersFollower() {
  byte part, known = 1, from, now;

  do
  :: broker != known ->
     LOCK;
     atomic { from = newest; now = wanted; part = broker };
     if
     :: atomic { part == broker -> made[part]++ };
        first[part] = from;
        add_ring(part, made[part]);
        atomic { size[part] = now; next = part; known = part }
     :: part != broker
     fi;
     UNLOCK;
     atomic { from = 0; now = 0; part = 0 }
  :: no_more_restarts && broker == known -> break
  od
}

proctype Application() {
  byte part, number, asked;

  do
  :: asked < RESIZES ->
     asked++;
again:
     atomic { if :: next != 0 -> current = next; next = 0 :: true fi };
     part = (next != 0 && BREAK != OLD_PART -> next : current);
     LOCK;
     if
     :: BREAK != OLD_PART && next != 0 && next != part -> UNLOCK; goto again
     :: else
     fi;
     if
     :: atomic { ANSWERS(part) -> made[part]++; number = made[part] };
        add_ring(part, number);
        atomic { size[part] = asked; wanted = asked }
     :: true /* it fails */
     fi;
     UNLOCK;
     number = 0
  :: break
  od
}

/* ---- The consumer's side ---- */

#define FRAMES 3
byte lane[FRAMES];       /* the old part's frames: the number of their ring, 0: not published yet */
bool moved;              /* the old part ends, after its frames */
byte told = 1;           /* what the client has heard of: rings of the old part */
byte core_knows = 1;

#define ATTACHED (broker == 1)

/* Resizes, publishes, and goes over to the next broker. */
proctype OtherSide() {
  byte i;
  do
  :: i < FRAMES ->
     if
     :: ATTACHED && made[1] < 2 -> made[1]++
     :: true
     fi;
     lane[i] = made[1];
     i++
  :: break
  od;
  broker == 2;
  moved = true
}

proctype NextBroker() { broker = 2 }

proctype ConsumersFollower() {
  do
  :: atomic { ATTACHED && told < made[1] -> told++ };
     add_ring(1, told);
     core_knows = told
  :: broker == 2 ->
     first[2] = newest;
     add_ring(2, 1);
     next = 2;
     break
  od
}

proctype Taker() {
  byte taken, number;

  do
  :: taken < FRAMES && lane[taken] != 0 ->
     number = lane[taken];
     if
     :: BREAK == TRUST_NUMBER && store[number] != 0 -> skip
     :: BREAK != TRUST_NUMBER && core_knows >= number -> skip
     :: else ->
        /* AwaitRing(), until the ring is known or never will be. */
        if
        :: BREAK == ASK_STORE && store[number] != 0 ->
           /* Or the core says for ever that it does not know it. */
           assert(store[number] == RING(1, number));
           core_knows >= number
        :: BREAK != ASK_STORE && core_knows >= number
        :: BREAK != WAIT_BLINDLY && next != 0 && !ATTACHED -> break
        fi;
     fi;
     assert(store[number] == RING(1, number));
     taken++
  :: moved && (taken == FRAMES || lane[taken] == 0) -> break
  od;
  next != 0;
  current = next;
  assert(store[first[2] + 1] == RING(2, 1))
}

init {
  atomic {
    made[1] = 1;
    store[1] = RING(1, 1);
    newest = 1;
#if SIDE == PRODUCER
    run Broker();
    run ProducersFollower();
    run Application();
#else
    run OtherSide();
    run ConsumersFollower();
    run Taker();
    run NextBroker()
#endif
  };
  _nr_pr == 1;
  assert(SIDE == CONSUMER || size[(next != 0 -> next : current)] == wanted)
}
