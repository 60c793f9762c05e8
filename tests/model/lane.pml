/* The protocol of a stream's lane (base/stream/lane.h) and of its bells (base/stream/wait.h):
 * one producer, one consumer, and somebody who tells the survivor when the other is dead.
 *
 * Every access to shared memory is one step; all that is private happens between steps. Here these
 * steps have one order for all; that the code's weaker orders suffice is argued in its comments.
 *
 * Checked in every state that can be reached:
 *   - nobody sleeps for ever: an end state with a sleeper is an invalid end state;
 *   - the producer never writes a slot that the consumer has (content is stable while held);
 *   - frames come in order; in fifo mode without drops all of them come; in mailbox mode the last
 *     one comes; received and dropped add up to published;
 *   - an honest consumer is never taken for a dishonest one, nor an honest producer.
 *
 * -DMODE=FIFO_WAIT | FIFO_DROP | MAILBOX, -DDEATH to let either of them die at any moment,
 * -DTHREADS for a consumer of two threads: one takes frames, the other releases them some time
 * later, and the first may hold as many as the limit allows before it waits for the second.
 * -DBREAK=... leaves out one of the steps that the protocol needs; every one of these models must
 * fail, or this one would show nothing. */

#define FIFO_WAIT 1
#define FIFO_DROP 2
#define MAILBOX 3

#define NOTHING 0
#define RECEIVER_RECHECK 1 /* the consumer sleeps without another look after arming */
#define SENDER_RECHECK 2   /* so does the producer */
#define RING_FIRST 3       /* the producer rings before it stores the ticket */
#define DISPLACE_BLINDLY 4 /* the producer looks into the mailbox, then overwrites it */
#define RELEASE_EARLY 5    /* the consumer gives back a frame before it is done with it */
#define END_UNCHECKED 6    /* the consumer does not look for frames after it saw the end */
#define NO_RECOUNT 7       /* the producer counts what a mailbox consumer has without a new look */
#define NOBODY_TOLD 8      /* nobody tells the survivor */
#define COUNT_EARLY 9      /* a frame counts as released before it is given back */
#define BIT_LATE 10        /* a slot counts as held when it is given back already */

#ifndef MODE
#define MODE FIFO_WAIT
#endif
#ifndef BREAK
#define BREAK NOTHING
#endif
#ifndef SLOTS
#define SLOTS 3
#endif
#ifndef FRAMES
#define FRAMES 5 /* more than SLOTS: the queues go round */
#endif
#ifndef LIMIT
#define LIMIT 2
#endif

#if MODE == MAILBOX
#define HOLD_LIMIT (LIMIT - 1) /* one more may be in the box */
#else
#define HOLD_LIMIT LIMIT
#endif
#if defined(THREADS) && defined(DEATH)
#error "a consumer of two threads that dies is not modelled"
#endif

#define TICKET(stamp, slot) ((stamp) * 4 + (slot))
#define STAMP(ticket) ((ticket) / 4)
#define SLOT(ticket) ((ticket) % 4)

#define NO_ONE 0
#define PRODUCER 1
#define CONSUMER 2

/* ---- Shared memory ---- */
byte frames[SLOTS];   /* tickets; as in the real one, there are as many entries as slots */
byte mailbox;         /* a ticket or 0 */
byte releases[SLOTS]; /* tickets */
bit frames_bell, releases_bell;
bit ended;
byte published;
byte content[SLOTS]; /* the number of the frame that is in the slot, 0 while it is rendered */

/* ---- Each process's own ---- */
#ifdef THREADS
bool having[SLOTS]; /* the consumer's: slots that are held */
byte held_count;    /* how many, which is checked against the limit */
chan taken_frames = [LIMIT] of { byte }; /* from the thread that takes to the one that releases */
#define NO_MORE 255
#endif
bit local_bell; /* the producer's, rung by the teller */
bit removed;    /* told to the producer */
bit told_end;   /* told to the consumer */
bool sender_asleep, receiver_asleep; /* in the kernel's queue */
byte victim;    /* who may die */
bool sender_dead, receiver_dead, sender_done, receiver_done;

#define MAY_DIE(who, label) if :: victim == who -> goto label :: skip fi

/* The bell is taken, and only then is the sleeper woken: two steps. */
inline ring(bell, asleep) {
  atomic { was_armed = bell; bell = 0 };
  if
  :: was_armed -> asleep = false
  :: else
  fi
}

proctype Sender() {
  bool held[SLOTS];
  bool was_armed;
  byte sent, collected, ticket, slot, i, count, posted, next = 1;
  bool go, open = true, sleepy;

  do
  :: next > FRAMES -> break
  :: else ->
     /* Acquire: a free slot, and room in the lane if it must get every frame. */
     sleepy = false;
     do
     :: true ->
        if
        :: sleepy -> releases_bell = 1; local_bell = 1
        :: else
        fi;
recollect:
        if
        :: sleepy && BREAK == SENDER_RECHECK -> skip
        :: else ->
           do
           :: ticket = releases[collected % SLOTS];
              if
              :: STAMP(ticket) == collected + 1 ->
                 atomic {
                   assert(!open || held[SLOT(ticket)]);
                   held[SLOT(ticket)] = false;
                   collected++
                 }
              :: else -> break
              fi
           od;
           if
           :: removed -> atomic { open = false; i = 0; do :: i < SLOTS -> held[i] = false; i++ :: else -> break od }
           :: else
           fi
        fi;
        atomic {
          count = 0; slot = SLOTS; i = 0;
          do
          :: i < SLOTS ->
             if :: held[i] -> count++ :: else -> slot = (slot == SLOTS -> i : slot) fi;
             i++
          :: else -> break
          od;
          i = 0;
          go = slot < SLOTS && (MODE != FIFO_WAIT || !open || count < LIMIT)
        };
        if
        :: go -> break
        :: !go && !sleepy -> sleepy = true
        :: !go && sleepy ->
           atomic {
             if
             :: releases_bell == 1 && local_bell == 1 -> sender_asleep = true
             :: else
             fi
           };
           if
           :: !sender_asleep
           :: victim == PRODUCER -> goto dead
           fi;
           sleepy = false
        fi
     od;
     releases_bell = 0;
     local_bell = 0;
     MAY_DIE(PRODUCER, dead);

     /* Render, in two steps: it takes time. */
     content[slot] = 0;
     content[slot] = next;
     MAY_DIE(PRODUCER, dead);
     published = next;

     /* Publish. */
     if
     :: !open -> skip
     :: open && MODE != MAILBOX && count == LIMIT -> skip /* it misses this one */
     :: open && MODE != MAILBOX && count < LIMIT ->
        held[slot] = true;
        if :: BREAK == RING_FIRST -> ring(frames_bell, receiver_asleep) :: else fi;
        frames[sent % SLOTS] = TICKET(sent + 1, slot);
        sent++
     :: open && MODE == MAILBOX ->
        held[slot] = true;
        sent++;
        if
        :: BREAK == DISPLACE_BLINDLY ->
           ticket = mailbox;
           mailbox = TICKET(sent, slot)
        :: else -> atomic { ticket = mailbox; mailbox = TICKET(sent, slot) }
        fi;
        if
        :: ticket != 0 ->
           assert(ticket == posted);
           held[SLOT(ticket)] = false
        :: else ->
           if
           :: BREAK == NO_RECOUNT -> skip
           :: else ->
              do
              :: ticket = releases[collected % SLOTS];
                 if
                 :: STAMP(ticket) == collected + 1 ->
                    atomic {
                      assert(held[SLOT(ticket)]);
                      held[SLOT(ticket)] = false;
                      collected++
                    }
                 :: else -> break
                 fi
              od
           fi;
           atomic {
             count = 0; i = 0;
             do :: i < SLOTS -> count = count + held[i]; i++ :: else -> break od;
             i = 0
           };
           assert(count <= LIMIT) /* or it would be called a hoarder */
        fi;
        posted = TICKET(sent, slot)
     fi;
     MAY_DIE(PRODUCER, dead);
     if :: BREAK == RING_FIRST -> skip :: else -> ring(frames_bell, receiver_asleep) fi;
     next++
  od;
  ended = 1;
  ring(frames_bell, receiver_asleep);
  sender_done = true;
  goto finish;
dead:
  sender_dead = true;
finish:
  skip
}

proctype Receiver() {
  byte taken, released, ticket, slot, last, received, dropped, newest;
  bool was_armed, sleepy, found, over;

  do
  :: true ->
#ifdef THREADS
     /* The application waits for its other thread, and not in the lane. */
     held_count < HOLD_LIMIT;
#endif
     if :: sleepy -> frames_bell = 1 :: else fi;
     /* Look: a frame, or else the end and then a frame once more. */
     found = false;
     over = false;
     do
     :: true ->
        if
        :: sleepy && BREAK == RECEIVER_RECHECK -> break
        :: else
        fi;
        if
        :: MODE != MAILBOX ->
           ticket = frames[taken % SLOTS];
           if
           :: STAMP(ticket) == taken + 1 -> taken++; found = true
           :: else -> assert(STAMP(ticket) == (taken < SLOTS -> 0 : taken + 1 - SLOTS))
           fi
        :: else ->
           if
           :: mailbox == 0 -> skip
           :: else ->
              atomic { ticket = mailbox; mailbox = 0 };
              if
              :: ticket != 0 -> assert(STAMP(ticket) > newest); newest = STAMP(ticket); found = true
              :: else
              fi
           fi
        fi;
        if
        :: found || over -> break
        :: else
        fi;
        if
        :: ended || told_end -> over = true; if :: BREAK == END_UNCHECKED -> break :: else fi
        :: else -> break
        fi
     od;
     if
     :: found ->
        frames_bell = 0;
        sleepy = false;
        slot = SLOT(ticket);
        MAY_DIE(CONSUMER, dead);
#ifdef THREADS
        assert(!having[slot]); /* or the producer would be said to send a slot twice */
        having[slot] = true;
        held_count++;
#endif
        if
        :: BREAK == RELEASE_EARLY ->
           releases[released % SLOTS] = TICKET(released + 1, slot)
        :: else
        fi;
        /* Use the frame: it is whole, newer than the last, and stays what it is. */
        ticket = content[slot];
        assert(ticket > last);
        assert(MODE != FIFO_WAIT || ticket == last + 1);
        assert(content[slot] == ticket);
        atomic { dropped = dropped + ticket - last - 1; received++; last = ticket; ticket = 0 };
        MAY_DIE(CONSUMER, dead);
#ifdef THREADS
        taken_frames ! slot
#else
        if
        :: BREAK == RELEASE_EARLY -> skip
        :: else -> releases[released % SLOTS] = TICKET(released + 1, slot)
        fi;
        released++;
        MAY_DIE(CONSUMER, dead);
        ring(releases_bell, sender_asleep)
#endif
     :: over && !found -> break
     :: !found && !over && !sleepy -> sleepy = true
     :: !found && !over && sleepy ->
        atomic {
          if
          :: frames_bell == 1 -> receiver_asleep = true
          :: else
          fi
        };
        if
        :: !receiver_asleep
        :: victim == CONSUMER -> goto dead
        fi;
        sleepy = false
     fi
  od;
  dropped = dropped + published - last;
  assert(received + dropped == published);
  /* Who died may have died with a frame published and not yet handed over. */
  assert(MODE != FIFO_WAIT || dropped == 0 || (sender_dead && dropped == 1));
  assert(MODE != MAILBOX || last == published || (sender_dead && last + 1 == published));
#ifdef THREADS
  taken_frames ! NO_MORE;
#endif
  receiver_done = true;
  goto finish;
dead:
  receiver_dead = true;
finish:
  skip
}

#ifdef THREADS
/* The consumer's other thread. */
proctype Releaser() {
  byte slot, released, seen;
  bool was_armed;

  do
  :: taken_frames ? slot ->
     if
     :: slot == NO_MORE -> break
     :: else
     fi;
     /* It is still being used. */
     seen = content[slot];
     assert(seen != 0 && content[slot] == seen);
     seen = 0;
     if :: BREAK == COUNT_EARLY -> held_count-- :: else fi;
     if :: BREAK == BIT_LATE -> skip :: else -> having[slot] = false fi;
     releases[released % SLOTS] = TICKET(released + 1, slot);
     released++;
     if :: BREAK == BIT_LATE -> having[slot] = false :: else fi;
     if :: BREAK == COUNT_EARLY -> skip :: else -> held_count-- fi;
     ring(releases_bell, sender_asleep)
  od
}
#endif

/* The broker, who watches both. */
proctype Teller() {
  bool was_armed;
  if
  :: receiver_dead ->
     if
     :: BREAK == NOBODY_TOLD -> skip
     :: else ->
        removed = 1;
        ring(local_bell, sender_asleep)
     fi
  :: sender_dead ->
     if
     :: BREAK == NOBODY_TOLD -> skip
     :: else ->
        told_end = 1;
        ring(frames_bell, receiver_asleep)
     fi
  :: sender_done && receiver_done
  fi
}

init {
  atomic {
#ifdef DEATH
    if
    :: victim = NO_ONE
    :: victim = PRODUCER
    :: victim = CONSUMER
    fi;
#endif
    run Sender();
    run Receiver();
#ifdef THREADS
    run Releaser();
#endif
    run Teller()
  }
}
