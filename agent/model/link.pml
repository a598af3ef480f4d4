// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of the protocol by which the supervisor and the executors share the
 * link (agent/shared/link.h), for spin ("make model").  An inline has the name
 * of the function of the agent that it models.  docs/architecture.md says what
 * is assumed.
 *
 * A step is a statement or a d_step block; the killer kills an executor between
 * any two.  A step of an executor has one effect that others can see.  The
 * supervisor, which is never killed, does more in one step where no executor can
 * use the state in between.
 *
 * Checked, for every order of the steps:
 * - In the end every request is answered, with its reply or with the death of
 *   its executor.  Then the supervisor answers a ping, and each executor that
 *   lives, or is replaced, carries out another call.
 * - No request is carried out twice, or after the death of its executor was
 *   told.  No free channel is refused as busy.
 * - No frame begins before the one before it is complete.
 * - An executor touches the window only while it has the reader's role.
 *
 * -DWIDE: three executors are in calls at a time.  -DPARTS: the reply to request
 * 1 can be sent in parts, and by the supervisor.  -DFAULT=F: a fault that the
 * agent once had is put back:
 */
#define LINK_LOCK 1	/* the supervisor sleeps until the lock is free */
#define LINK_UNLOCK 2	/* one waiter is woken, which may be dead; a death wakes none */
#define PASS_ROLE 3	/* after a death the doorbell of the next reader is not rung */
#define SERVE_FRAME 4	/* a request that was accepted before a death stays in the window */
#ifndef FAULT
#define FAULT 0
#endif

#define SUPERVISOR 0			/* channels; the first value of role */
#define EXECUTOR 1
#define reader(i) (2 * (i))		/* other values of role: agent/shared/link.h */
#define in_call(i) (2 * (i) + 1)

mtype = { IDLE, BUSY, REPLYING };	/* enum box_state */
mtype = { REPLY, GONE };		/* kinds of answers */

typedef mailbox {
	bool on = true;			/* life is LIFE_ON */
	bool rung, asleep = true;	/* the doorbell since it was read; its futex */
	bool waits;			/* futex: until the lock is free */
	bool posted;			/* differs from what the executor has done */
	mtype busy = IDLE;
	byte tag, out;			/* tag of the request; of the frame in out, or 0 */
	byte sent;			/* halves of it: message.msg_len, deferred_from */
	bool deferred;
	bool killed, ended		/* the kernel's: is to end; can be reaped */
}
mailbox box[4];				/* box[n] belongs to channel n */
byte owner;				/* of the lock: channel + 1, or 0 */
bool contended, supervisor_waits;
byte role = SUPERVISOR, recent = EXECUTOR;
bool armed, timer;			/* timer: it runs */
bool notify = true;			/* the eventfd */
chan link = [3] of { byte, byte, bool };	/* tag, channel, asynchronous? */
chan window = [2] of { byte, byte, bool };
byte begun;				/* channel whose frame is half sent, or 0 */
bool done[4];				/* by tag: was carried out */
mtype answer[4];			/* by tag; the runner drops a second one */
#define give_answer(nr, kind) answer[nr] = (answer[nr] -> answer[nr] : kind)

/* --- agent/shared --- */

inline wake_all() { box[1].waits = false; box[2].waits = false; box[3].waits = false }
inline mailbox_ring(i) { box[i].rung = true; box[i].asleep = false }

inline link_fill()			/* all frames that have arrived and fit */
{
	do
	:: len(link) > 0 && len(window) < 2 -> link?t, c, async; window!t, c, async
	:: else -> break
	od;
	t = 0; c = 0; async = false
}

/* --- the supervisor: agent/send.c --- */

/* A frame that was begun goes first: its sender has the lock, or is dead. */
inline next_deferred()
{
	c = (owner > 1 && box[owner - 1].deferred -> owner - 1 :
	    (box[1].deferred -> 1 : (box[2].deferred -> 2 : (box[3].deferred -> 3 : 0))));
	to_send = c || rest || len(queue) > 0
}

#define can_lock (has_lock || owner == 0 || (owner > 1 && box[owner - 1].deferred))

inline get_lock()			/* link_try_lock(), link_pass_lock() */
{
	has_lock = can_lock;
	supervisor_waits = !has_lock;
	contended = (owner && contended) || !has_lock;
	owner = (has_lock -> SUPERVISOR + 1 : owner)
}

inline release(i) { box[i].deferred = false; box[i].out = 0; box[i].sent = 0 }

inline send_frames()
{
	do
	:: rest -> give_answer(rest, REPLY); rest = 0; begun = 0; next_deferred()
	:: !rest && c && (box[c].sent || len(queue) == 0) ->
		assert(begun == (box[c].sent -> c : 0));
		give_answer(box[c].out, REPLY); begun = 0; release(c); next_deferred()
	:: !rest && len(queue) > 0 && !(c && box[c].sent) ->
		assert(!begun); queue?t, kind; give_answer(t, kind); next_deferred()
	:: else -> break
	od;
	t = 0; c = 0; kind = 0
}

inline send_pending()
{
	d_step {
		next_deferred(); get_lock();
		if :: has_lock -> send_frames() :: else -> to_send = false; c = 0 fi
	};
	if
	:: has_lock -> d_step { wake = contended; owner = 0; contended = false };
		d_step { if :: wake -> wake_all() :: else fi; wake = false; has_lock = false }
	:: else
	fi
}

inline send_take_from_dead(i)
{
	replied = box[i].busy == REPLYING && box[i].out && (box[i].deferred || box[i].sent);
	if
	:: owner == i + 1 && box[i].sent == 1 -> rest = box[i].out; owner = 1; has_lock = true
	:: else -> contended = contended && owner != i + 1; owner = (owner == i + 1 -> 0 : owner);
		if :: box[i].deferred -> queue!box[i].out, REPLY :: else fi
	fi;
	if :: FAULT != LINK_UNLOCK -> wake_all() :: else fi;
	release(i)
}

/* --- the supervisor: agent/reader_role.c --- */

inline reader_role_give()
{
	c = (box[recent].on -> recent : EXECUTOR);
	if
	:: role == SUPERVISOR && box[c].on && box[c].busy == IDLE && len(window) == 0 ->
		role = reader(c); mailbox_ring(c)
	:: else
	fi
}

inline reader_role_timer()
{
	timer = false; armed = false;
	role = (role == in_call(role / 2) -> SUPERVISOR : role)
}

inline reader_role_take_from_dead(i)
{
	if				/* drop_accepted() */
	:: FAULT != SERVE_FRAME && role / 2 == i && box[i].busy == BUSY &&
	   window?[eval(box[i].tag), _, _] -> window?_, _, _
	:: else
	fi;
	role = (role / 2 == i -> SUPERVISOR : role);
	c = role / 2;			/* reader_role_ring() */
	if :: FAULT != PASS_ROLE && c && role == reader(c) -> mailbox_ring(c) :: else fi;
	armed = false
}

inline reader_role_check() { role = (box[role / 2].on -> role : SUPERVISOR) }

/* --- the supervisor: agent/death.c, agent/post.c, agent/supervise.c --- */

/* The report for the VM's own executor is given once. */
inline death_report(i, nr) { queue!nr, GONE; report[i] = i != EXECUTOR || box[i].busy == REPLYING }

inline reap_channel(i)
{
	send_take_from_dead(i);
	reader_role_take_from_dead(i);
	box[i].on = false; report[i] = true;
	if :: box[i].busy != IDLE && !replied -> death_report(i, box[i].tag) :: else fi;
	box[i].busy = IDLE; replied = false
}

inline post_request(i, nr)
{
	if
	:: !box[i].on && report[i] -> death_report(i, nr)
	:: else -> assert(box[i].busy != BUSY);
		box[i].ended = box[i].ended && box[i].on;	/* roster_start_executor() */
		box[i].on = true; box[i].tag = nr; box[i].busy = BUSY; box[i].posted = true;
		mailbox_ring(i); recent = i
	fi
}

inline take_frames()
{
	do
	:: role == SUPERVISOR && len(window) > 0 -> window?t, c, async;
		if :: c == SUPERVISOR -> queue!t, REPLY :: else -> post_request(c, t) fi
	:: else -> break
	od;
	t = 0; async = false
}

inline rest_of_loop() { reader_role_check(); take_frames(); reader_role_give(); next_deferred() }
#define event(e) (!to_send && (e))
#define has_ended(i) (box[i].on && box[i].ended)

active proctype supervise()
{
	chan queue = [6] of { byte, mtype };	/* frames: tag, kind */
	byte rest;			/* tag of a frame that a dead executor began, or 0 */
	bool has_lock, to_send, wake, replied, async, report[4];
	byte t, c;
	mtype kind;

	do
	:: to_send && (FAULT != LINK_LOCK || can_lock) -> send_pending()
	:: d_step { event(notify) -> notify = false; rest_of_loop(); c = 0 }
	:: d_step { event(has_ended(1)) -> reap_channel(1); rest_of_loop(); c = 0 }
	:: d_step { event(has_ended(2)) -> reap_channel(2); rest_of_loop(); c = 0 }
	:: d_step { event(has_ended(3)) -> reap_channel(3); rest_of_loop(); c = 0 }
	:: d_step { event(timer) -> reader_role_timer(); rest_of_loop(); c = 0 }
	:: d_step { event(role == SUPERVISOR && len(link) > 0) -> link_fill(); rest_of_loop(); c = 0 }
	od
}

/* --- agent/executor --- */

inline link_lock(i)
{
	!supervisor_waits;
	do
	:: d_step { owner == 0 -> owner = i + 1; contended = flag; flag = false }; break
	:: d_step { owner != 0 -> contended = true };
		d_step { box[i].waits = (owner != 0 && contended); flag = true };
		!box[i].waits
	od
}

#define any_waits (box[1].waits || box[2].waits || box[3].waits)
#define wakes_only(i) d_step { FAULT == LINK_UNLOCK && box[i].waits -> box[i].waits = false }

inline link_unlock(i)
{
	d_step { flag = contended; owner = 0; contended = false };
	if
	:: flag ->
		if
		:: wakes_only(1) :: wakes_only(2) :: wakes_only(3) :: !any_waits
		:: d_step { FAULT != LINK_UNLOCK && any_waits -> wake_all() }
		fi;
		d_step { notify = true; flag = false }
	:: else
	fi
}

inline defer(i) { box[i].deferred = true; notify = true; !box[i].deferred }

inline executor_send_out(i)
{
	if
#ifdef PARTS
	:: box[i].tag == 1 -> defer(i)		/* more than LINK_ATOMIC_BYTES */
	:: box[i].tag == 1 -> link_lock(i);
		atomic { assert(!begun); begun = i; box[i].sent = 1 };
		defer(i)
#endif
	:: link_lock(i);
		atomic { assert(!begun); give_answer(box[i].out, REPLY); box[i].sent = 2 };
		link_unlock(i)
	fi
}

/* The call of request 1 may last until request 2 is answered. */
inline executor_serve(i)
{
	d_step { assert(!done[box[i].tag] && !answer[box[i].tag]); done[box[i].tag] = true };
	if :: true :: box[i].tag == 1 -> answer[2] fi;
	d_step { box[i].sent = 0; box[i].out = box[i].tag; box[i].busy = REPLYING };
	executor_send_out(i);
	d_step { box[i].busy = (box[i].busy == REPLYING -> IDLE : box[i].busy) }
}

inline serve_frame(i)
{
	d_step { box[i].tag = t; t = 0; c = 0 };
	box[i].busy = BUSY;
	d_step { assert(role == reader(i)); window?_, _, _ };		/* link_drop() */
	if
	:: async -> async = false; role = SUPERVISOR; notify = true
	:: else -> role = in_call(i);
		d_step { flag = !armed; armed = true };			/* arm_supervisor() */
		d_step { timer = timer || flag; flag = false }
	fi;
	executor_serve(i);
	d_step { flag = (role != in_call(i)); role = (flag -> role : reader(i)) };
	d_step { notify = notify || flag; flag = false }
}

inline pass_role(i)
{
	if
	:: c == SUPERVISOR || !box[c].on || box[c].busy != IDLE ->
		role = SUPERVISOR; notify = true			/* give_role_back() */
	:: else -> d_step { recent = c; role = reader(c) };
		mailbox_ring(c);
		d_step { notify = notify || !box[c].on }
	fi;
	d_step { t = 0; c = 0; async = false }
}

#define reads (role == reader(_pid))

/* _pid is the channel.  After a death, the process is the new executor. */
active [3] proctype executor_main()
{
	byte t, c;
	bool flag, async;

	do
	:: {	do
		:: d_step { !box[_pid].asleep -> box[_pid].rung = false };
			if			/* executor_read_link() */
			:: d_step { reads && len(window) == 0 && len(link) > 0 -> link_fill() }
			:: d_step { reads && len(window) > 0 -> window?<t, c, async> };
				if :: c == _pid -> serve_frame(_pid) :: else -> pass_role(_pid) fi
			:: d_step { !reads && box[_pid].posted -> box[_pid].posted = false };
				executor_serve(_pid); notify = true
			:: d_step { !reads && !box[_pid].posted -> box[_pid].asleep = !box[_pid].rung }
			fi
		od
	} unless {
		d_step {
			box[_pid].killed -> box[_pid].killed = false; box[_pid].ended = true;
			box[_pid].asleep = false; box[_pid].waits = false; t = 0; c = 0; flag = false;
			async = false
		};
		box[_pid].on && !box[_pid].ended
	}
	od
}

/* --- the runner, and the killer --- */

inline send(nr, to, is_async) { d_step { pending[to] = nr; link!nr, to, is_async } }

#define is_free(i) (!pending[i] || answer[pending[i]])	/* one call at a time */

inline await_end() { timeout; assert(answer[1] && answer[2] && answer[3] && !begun && !owner) }

/* Sends one more request, when all is over.  Forgets what has no influence. */
inline send_again(to)
{
	d_step {
		for (t : 1 .. 3) {
			box[t].tag = 0; release(t); pending[t] = 0; done[t] = t < 3;
			answer[t] = (t < 3 -> REPLY : 0)
		}
		t = 0
	};
	send(3, to, false);
	await_end()
}

active proctype runner()
{
	byte t, pending[4];

#ifdef WIDE
	send(1, 1, true); send(2, 2, true); send(3, 3, true);
#else
	if :: send(1, 1, false) :: send(1, 1, true) :: send(1, 2, false) :: send(1, 2, true) fi;
	if
	:: is_free(1) -> send(2, 1, false) :: is_free(1) -> send(2, 1, true)
	:: is_free(2) -> send(2, 2, false) :: send(2, 3, false)
	fi;
	send(3, SUPERVISOR, false);
#endif
	await_end();
	send_again(SUPERVISOR);
	send_again(1);
	if :: done[3] :: else -> send_again(1); assert(done[3]) fi;
	send_again(2); assert(done[3] == box[2].on);
	send_again(3); assert(done[3] == box[3].on)
}

#define may_kill(i) d_step { box[i].on -> box[i].killed = true }

active proctype killer()
{
	if :: may_kill(1) :: may_kill(2) :: may_kill(3) :: true fi
}
