/* Cancel() against a move to a new part: StreamConsumer::Next() in client/src/stream_consumer.cc,
 * StreamProducer::Acquire() in stream_producer.cc.
 *
 * After the broker's restart a stream has a new part with a core of its own. The thread that calls
 * Next() or Acquire() asks the core of the current part, which may block, and goes over to the new
 * part between two questions. Another thread cancels meanwhile, and a third makes new parts.
 *
 * What is done under the client's lock is one step. A core is reduced to what the call sees of it:
 * it blocks until it was cancelled, has a frame (for a producer: a free slot) or has ended, and
 * looks in this order; that nobody sleeps through a ring is lane.pml's matter.
 *
 * Checked in every state that can be reached:
 *   - a call that begins after Cancel() has returned is cancelled, unless one before it was;
 *   - one Cancel() ends one call, although cores are also cancelled to tell of a new part;
 *   - nobody waits for ever: the stream goes on to its end only when a call was cancelled, so a
 *     cancellation that is lost is an invalid end state.
 *
 * -DSIDE=CONSUMER | PRODUCER. -DBREAK=... breaks a rule; every one of these models must fail. */

#define CONSUMER 1
#define PRODUCER 2

#define NOTHING 0
#define LOOK_AFTER 1   /* the flag is looked at only after the core said that it was cancelled */
#define TWO_SECTIONS 2 /* the flag is looked at, and then, in another section, the part is picked */
#define RING_FIRST 3   /* Cancel() wakes the core, and then, in another section, sets the flag */
#define NO_RING 4      /* Cancel() wakes no core */
#define WAIT_BLINDLY 5 /* who waits for the next part does not look at the flag */

#ifndef SIDE
#define SIDE CONSUMER
#endif
#ifndef BREAK
#define BREAK NOTHING
#endif
#ifndef PARTS
#define PARTS 3
#endif
#ifndef FRAMES
#define FRAMES 2
#endif

/* ---- With the client's lock ---- */
bit flag;               /* cancelled_ */
byte current, newest;   /* parts; those between them wait to become current */

/* ---- The cores ---- */
bit core_cancelled[PARTS];
byte frames[PARTS];
bit ended[PARTS];       /* the producer has moved on */
bit finished;           /* the whole stream is over */

/* ---- For the checks ---- */
bit cancel_returned, told; /* a call was cancelled */

#define MOVED(part) (newest > (part))

/* The part for this turn. A producer moves here, a consumer when its part has ended. */
inline pick() {
  if
  :: SIDE == PRODUCER && newest > current -> current = newest
  :: else
  fi;
  part = current
}

proctype Caller() {
  byte part;
  bit late;

  do
  :: finished && told -> break
  :: else ->
     late = cancel_returned && !told;
turn:
     if
     :: BREAK == LOOK_AFTER -> atomic { pick() }
     :: BREAK == TWO_SECTIONS ->
        atomic { if :: flag -> flag = 0; goto cancelled :: else fi };
        atomic { pick() }
     :: else ->
        atomic {
          if :: flag -> flag = 0; goto cancelled :: else fi;
          pick()
        }
     fi;
     /* Ask the core. */
     if
     :: core_cancelled[part] ->
        core_cancelled[part] = 0;
        if
        :: BREAK == LOOK_AFTER -> atomic { if :: flag -> flag = 0; goto cancelled :: else fi }
        :: else
        fi;
        goto turn
     :: atomic { !core_cancelled[part] && frames[part] > 0 -> frames[part]-- };
        assert(!late);
        goto returned
     :: !core_cancelled[part] && frames[part] == 0 && ended[part] ->
        /* The next part, as soon as there is one. */
        if
        :: BREAK == WAIT_BLINDLY -> MOVED(part) || finished
        :: else -> MOVED(part) || finished || flag
        fi;
        atomic { if :: MOVED(part) -> current = part + 1 :: else fi };
        if
        :: finished && !flag -> goto returned
        :: else -> goto turn
        fi
     :: !core_cancelled[part] && frames[part] == 0 && !ended[part] && finished -> goto returned
     fi;
cancelled:
     assert(!told);
     told = 1;
returned:
     late = 0;
     part = 0
  od
}

proctype Canceller() {
  if
  :: BREAK == NO_RING -> flag = 1
  :: BREAK == RING_FIRST ->
     core_cancelled[current] = 1;
     flag = 1
  :: else -> atomic { flag = 1; core_cancelled[current] = 1 }
  fi;
  cancel_returned = 1
}

/* The follower, and, for a consumer, the producer on the other side. */
proctype Mover() {
  byte from;

  do
  :: newest + 1 < PARTS ->
     if
     :: SIDE == PRODUCER -> atomic { newest++; core_cancelled[current] = 1 }
     :: SIDE == CONSUMER ->
        from = newest;
        if
        :: ended[from] = 1; newest++
        :: newest++; ended[from] = 1
        :: ended[from] = 1; break /* the broker does not come back */
        fi
     fi
  :: break
  od
}

/* Frames come into any part that has not ended, and the stream ends when a call was cancelled. */
proctype Feeder() {
  byte left = FRAMES, to;

  do
  :: left > 0 ->
     to = newest;
     if
     :: ended[to] -> skip
     :: else -> frames[to]++
     fi;
     left--
  :: break
  od;
  told;
  finished = 1
}

init {
  atomic {
    run Caller();
    run Canceller();
    run Mover();
    run Feeder()
  }
}
