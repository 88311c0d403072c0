/*
 * Nested calls of wx_token as a model for spin: which calls protocol::held_locks lets into a critical
 * section. Fibers suspend in the middle of a call, so several calls of one thread are alive at once. The
 * names are those of the code and of the promises I1 ... I9 in ARCHITECTURE.md. README.md says what is
 * left out.
 *
 * The thread runs every PHP program of the size below: its functions call and return, its Fibers suspend
 * and resume, in any order and for ever. A worker of the same process and another process use the same
 * token file beside it. Each look finds a usable token or not, by choice: refresh.pml models the file.
 */

/* The size of a run. scripts/model sets these. */
#ifndef STACKS
#define STACKS 3                /* the main program and the Fibers that are alive at once */
#endif
#ifndef DEPTH
#define DEPTH 2                 /* frames on each stack */
#endif

#define FRAMES (STACKS * DEPTH)
#define MAIN 0
#define NOBODY 255
#define WAIT_OVER true          /* lock_timeout: it may pass at any moment */

/* The address of a frame. The engine uses it again: for the next call at that place of the stack, and for
 * a call of a new Fiber whose stack takes the memory of an old one. */
#define ADDRESS(stack, n) ((stack) * DEPTH + (n))
#define BIT(address) (1 << (address))

/* ---- The engine ---- */

mtype = {
    nothing,
    function,                   /* one of the program's own, which calls on */
    with_lock,                  /* wx_with_lock() */
    with_loader,                /* wx_get_token() and its like, which ask a loader */
    with_worker,                /* the same, which let a worker ask WeChat, and wait for it */
    try_token                   /* wx_try_token(), and a due refresh in the background */
};

mtype running[FRAMES];
byte depth[STACKS];
bool alive[STACKS];
byte resumer[STACKS];           /* the stack that this one was resumed from; NOBODY: it is suspended */
bool linked[STACKS];            /* its chain of callers continues with that of the resumer */
byte current = MAIN;

/* ---- The lock ---- */

#define THREAD 1
#define WORKER 2
#define OTHER 3
byte lock = NOBODY;             /* flock: who holds it */

/* The lock's entry in protocol::held_locks. */
short entry = 0;                /* the frames in it, as addresses */
byte entered = 0;               /* how many calls have entered and not left */
bool lent = false;              /* to a refresh */

/* What is true whatever the entry says. The promises alone look at these. */
byte inside = 0;                /* calls of the thread in the section, running or suspended */
byte fetches = 0;               /* of the thread's calls, and of the worker */
bool worker_fetches = false;
bool other_inside = false;

#define is_inside(call) (call == with_lock || call == with_loader || call == with_worker)
#define is_refresh(call) (call == with_loader || call == with_worker)

/* The promises. An assertion names the one that is broken. */
bool I1_alone_unless_nested = true;
bool I1_one_fetch_at_a_time = true;
bool I5_no_wait_for_oneself = true;
bool I5_try_token_never_waits = true;
bool I7_no_lock_stays = true;
bool I8_the_lock_outlives_no_callable = true;
bool nested_calls_are_let_in = true;

byte s;                         /* scratch: 0 between steps, so that equal states are one */
byte n;
byte here;

/* ---- protocol::held_locks ---- */

/* Follows the chain of execute_data, from the caller of the call that begins now. */
inline look_at_callers() {
    nested = false;
    rightly = false;
    s = current;
    do
    :: s != NOBODY ->
        n = 0;
        do
        :: n < depth[s] ->
            nested = (nested || (entry & BIT(ADDRESS(s, n))) != 0);
            rightly = (rightly || is_inside(running[ADDRESS(s, n)]));
            n++
        :: else -> break
        od;
        s = (linked[s] -> resumer[s] : NOBODY)
    :: else -> break
    od;
#ifdef MUTANT_NESTED_BY_THREAD
    nested = (entered > 0);
#endif
    s = 0;
    n = 0
}

/* A call of this kind begins. */
inline push(kind) {
    running[ADDRESS(current, depth[current])] = kind;
    depth[current]++
}

inline begin_fetch() {
    I1_one_fetch_at_a_time = (fetches == 0);
    assert(I1_one_fetch_at_a_time);
    fetches++
}

/* A call of this kind has acquired the lock, or shares it as a nested call: its frame joins the entry. */
inline enter(kind) {
    I1_alone_unless_nested = (!other_inside && !worker_fetches && (inside == 0 || rightly));
    assert(I1_alone_unless_nested);
    inside++;
    if
    :: is_refresh(kind) -> begin_fetch(); lent = true
    :: else
    fi;
#ifdef MUTANT_NESTED_NOT_ENTERED
    if
    :: entered == 0 -> entry = BIT(ADDRESS(current, depth[current]))
    :: else
    fi;
#else
    entry = entry | BIT(ADDRESS(current, depth[current]));
#endif
    entered++;
    push(kind)
}

inline release() {
    if
    :: lock == THREAD -> lock = NOBODY
    :: else
    fi;
    entry = 0;
    entered = 0;
    lent = false
}

#define BY_RETURN 1             /* or an exception, or exit() */
#define BY_DESTRUCTION 2        /* the engine destroys the Fiber and unwinds its stack */
#define BY_BAILOUT 3            /* a fatal error jumps out of the callable, and the call catches the jump */

#ifdef MUTANT_FRAME_STAYS_ON_RETURN
#define keeps_frame(how) (how == BY_RETURN)
#endif
#ifdef MUTANT_FRAME_STAYS_ON_DESTRUCTION
#define keeps_frame(how) (how == BY_DESTRUCTION)
#endif
#ifdef MUTANT_FRAME_STAYS_ON_BAILOUT
#define keeps_frame(how) (how == BY_BAILOUT)
#endif
#ifndef keeps_frame
#define keeps_frame(how) false
#endif
#ifdef MUTANT_BAILOUT_PASSES_OVER
#define passes_over(how) (how == BY_BAILOUT)
#else
#define passes_over(how) false
#endif

/* Strikes out the frame at the address `here`. The last call that leaves releases the lock. */
inline leave(how) {
    if
    :: !keeps_frame(how) -> entry = entry & ~BIT(here)
    :: else
    fi;
    if
    :: is_refresh(running[here]) -> lent = false
    :: else
    fi;
    if
    :: entered > 0 -> entered--
    :: else
    fi;
    if
#ifdef MUTANT_FIRST_RELEASES
    :: true -> release()
#endif
#ifdef MUTANT_ACQUIRER_RELEASES
    :: here == acquirer -> release()
#endif
    :: entered == 0 -> release()
    :: else
    fi
}

/* The newest call on a stack ends. */
inline pop(stack, how) {
    depth[stack]--;
    here = ADDRESS(stack, depth[stack]);
    if
    :: is_inside(running[here]) ->
        inside--;
        fetches = fetches - (is_refresh(running[here]) -> 1 : 0);
        if
        :: !passes_over(how) -> leave(how)
        :: else
        fi
    :: else
    fi;
    running[here] = nothing;
    here = 0
}

inline check_lock() {
    I8_the_lock_outlives_no_callable = (lock != THREAD || inside > 0);
    assert(I8_the_lock_outlives_no_callable)
}

/* ---- A thread of PHP ---- */

#define is_suspended(stack) (alive[stack] && resumer[stack] == NOBODY)

/* The engine links the chain of a Fiber to its resumer, but not when it destroys the Fiber and `finally`
 * blocks run in it. Swoole never links the chain of a coroutine. */
inline resume(stack) {
    alive[stack] = true;
    resumer[stack] = current;
    current = stack;
    if
    :: linked[stack] = true
    :: skip
    fi
}

/* The current Fiber suspends or ends, and its resumer continues. */
inline switch_back() {
    s = current;
    current = resumer[s];
    resumer[s] = NOBODY;
    linked[s] = false;
    s = 0
}

/* The next Fiber may get the memory of this stack. */
inline destroy(stack) {
    do
    :: depth[stack] > 0 -> pop(stack, BY_DESTRUCTION)
    :: else -> break
    od;
    alive[stack] = false
}

/* held_locks::end_of_request(), after the engine's own end. After a fatal error the engine unwinds no Fiber: it only frees their memory. */
inline end_of_request() {
    for (s : 1 .. STACKS - 1) {
        if
        :: !unclean -> destroy(s)
        :: else ->
            for (n : 0 .. DEPTH - 1) { running[ADDRESS(s, n)] = nothing }
            depth[s] = 0;
            alive[s] = false
        fi
    }
    s = 0;
    n = 0;
    inside = 0;
    fetches = (worker_fetches -> 1 : 0);
    unclean = false;
#ifdef MUTANT_NO_RELEASE_AT_REQUEST_END
    skip;
#else
#ifdef MUTANT_ENTRY_OUTLIVES_REQUEST
    if
    :: lock == THREAD -> lock = NOBODY
    :: else
    fi;
#else
#ifdef MUTANT_WORKER_LOCK_RELEASED
    if
    :: lock == WORKER -> lock = NOBODY
    :: else
    fi;
#endif
    release();
#endif
#endif
    I7_no_lock_stays = (lock != THREAD);
    assert(I7_no_lock_stays)
}

active proctype Thread() {
    mtype kind = nothing;       /* the call that begins */
    bool nested = false;        /* a frame of the entry is among its callers */
    bool rightly = false;       /* a call that is inside is */
    bool unclean = false;       /* after a fatal error, when only shutdown functions run */
#ifdef MUTANT_ACQUIRER_RELEASES
    byte acquirer = NOBODY;
#endif

    d_step { alive[MAIN] = true; for (n : 0 .. STACKS - 1) { resumer[n] = NOBODY }; n = 0 };

php:
    /* PHP code runs: the program, one of its functions, or one of the two callables. */
    atomic {
        kind = nothing;
        nested = false;
        rightly = false;
        if
        :: depth[current] < DEPTH -> d_step { push(function) }; goto php
        :: depth[current] < DEPTH -> kind = with_lock; goto begin
        :: depth[current] < DEPTH -> kind = with_loader; goto begin
        :: depth[current] < DEPTH -> kind = with_worker; goto begin
        :: depth[current] < DEPTH -> kind = try_token; goto begin
        :: depth[current] > 0 -> d_step { pop(current, BY_RETURN); check_lock() }; goto php
        :: STACKS > 1 && current != 1 && (!alive[1] || is_suspended(1)) -> resume(1); goto php
        :: STACKS > 2 && current != 2 && (!alive[2] || is_suspended(2)) -> resume(2); goto php
        :: current != MAIN -> d_step { switch_back() }; goto php            /* Fiber::suspend() */
        :: current != MAIN && depth[current] == 0 ->                        /* the Fiber's function ends */
            d_step { alive[current] = false; switch_back() }; goto php
        :: STACKS > 1 && is_suspended(1) -> d_step { destroy(1); check_lock() }; goto php
        :: STACKS > 2 && is_suspended(2) -> d_step { destroy(2); check_lock() }; goto php
        :: d_step {
                /* A fatal error jumps out of all callers, from Fiber to resumer. */
                unclean = true;
                do
                :: depth[current] > 0 -> pop(current, BY_BAILOUT)
                :: depth[current] == 0 && current != MAIN -> alive[current] = false; switch_back()
                :: else -> break
                od;
                check_lock()
            }; goto php
        :: current == MAIN && depth[MAIN] == 0 -> d_step { end_of_request() }; goto php
        fi
    };

begin:
    atomic {
        d_step { look_at_callers() };
        if
        :: kind != with_lock -> goto php        /* a usable token, or a failure that is in force */
        :: nested && kind == try_token -> goto php                          /* LockException */
#ifdef MUTANT_LENT_TWICE
        :: nested && kind != try_token ->
#else
        :: nested && lent -> goto php           /* LockException: the lock is lent to one refresh at a time */
        :: nested && kind != try_token && (!lent || kind == with_lock) ->
#endif
            d_step { enter(kind) };
            if
            :: kind == with_worker -> goto borrowed
            :: else -> goto php
            fi
#ifdef MUTANT_SUSPENDED_HOLDER_WAITED_FOR
        :: !nested -> goto attempt
#else
        :: !nested && entered > 0 ->
            /* Another call of the thread holds the lock: LockException or null, at once. */
            nested_calls_are_let_in = !rightly;
            assert(nested_calls_are_let_in);
            goto php
        :: !nested && entered == 0 -> goto attempt
#endif
        fi
    };

attempt:
    atomic {
        if
        :: lock == NOBODY && (kind == with_lock || kind == with_loader) ->
#ifdef MUTANT_ACQUIRER_RELEASES
            acquirer = ADDRESS(current, depth[current]);
#endif
            lock = THREAD;
            d_step { enter(kind) };
            goto php
        :: lock == NOBODY && kind == with_worker ->
            lock = WORKER;
            goto wait_for_worker
        :: lock == NOBODY && kind == try_token ->
            lock = WORKER;
            goto php                                                        /* null */
#ifndef MUTANT_TRY_TOKEN_WAITS
        :: lock != NOBODY && kind == try_token -> goto php                  /* null */
#endif
        :: else ->
            /* LockWait::pause. */
            I5_no_wait_for_oneself = (lock != THREAD);
            assert(I5_no_wait_for_oneself);
            I5_try_token_never_waits = (kind != try_token);
            assert(I5_try_token_never_waits);
            if
            :: goto attempt
            :: kind != with_lock -> goto php    /* the holder has left a token or a failure */
            :: WAIT_OVER -> goto php
            fi
        fi
    };

wait_for_worker:
    goto php;                                   /* the worker tells the outcome, or the caller gives up */

borrowed:
    /* Under the lock of an outer wx_with_lock(), a worker has asked WeChat: this thread stores. */
    atomic {
        true;
        d_step { pop(current, BY_RETURN); check_lock() };
        goto php
    }
}

/* ---- A worker of the same process: a call has handed its lock over ---- */

active proctype Worker() {
end:
    do
    :: atomic {
            lock == WORKER && !worker_fetches;
            if
            :: lock = NOBODY                    /* the file holds a token or a failure by now */
            :: I1_alone_unless_nested = (!other_inside && inside == 0);
                assert(I1_alone_unless_nested);
                begin_fetch();
                worker_fetches = true
            fi
        }
    :: d_step {
            worker_fetches;
            worker_fetches = false;
            fetches--;
            if
            :: lock == WORKER -> lock = NOBODY
            :: else
            fi
        }
    od
}

/* ---- Another process, or another thread of this one ---- */

active proctype Other() {
end:
    do
    :: d_step {
            lock == NOBODY;
            lock = OTHER;
            I1_alone_unless_nested = (!worker_fetches && inside == 0);
            assert(I1_alone_unless_nested);
            other_inside = true
        }
    :: d_step {
            other_inside;
            other_inside = false;
            lock = NOBODY
        }
    od
}
