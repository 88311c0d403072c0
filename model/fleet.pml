/*
 * The protocol of a fleet as a model for spin: machines that share one token through a store. One of them asks
 * WeChat, and the others are given what it got. The scripts take, put, fail and sync run in the store, and each is
 * one step. scripts/model explores it; README.md says what it leaves out.
 *
 * The lock of its token file makes each machine one process at a time: refresh.pml is about that. Between any two
 * steps any other machine may run, a process may be killed, and the store may fail.
 */

/* The size of a run. scripts/model sets these. */
#ifndef SYNCS
#define SYNCS 0                 /* syncs, of any machine with a fresh token */
#endif
#ifndef REJECTS
#define REJECTS 0               /* calls of wx_refresh_token() with a token that WeChat's other APIs reject */
#endif
#ifndef REVOKES
#define REVOKES 0               /* times that they begin to reject the newest token */
#endif
#ifndef AGAIN
#define AGAIN 0                 /* further calls, of a machine whose last one brought no fresh token */
#endif
#ifndef FAILURES
#define FAILURES 0              /* fetches that fail, or return the rejected token in spite of all */
#endif
#ifndef KILLS
#define KILLS 0                 /* SIGKILLs, at any step of any machine. Another process of it makes its call */
#endif
#ifndef AGES
#define AGES 0                  /* times that all tokens have become due, and each machine makes a call again */
#endif
#ifndef RESTS
#define RESTS 0                 /* times that the rest of a due token ends */
#endif
#ifndef LEASES
#define LEASES 0                /* leases that end while their owner works */
#endif
#ifndef LOSSES
#define LOSSES 0                /* times that the store loses all data */
#endif
#ifndef FAILOVERS
#define FAILOVERS 0             /* times that the replica takes over, which lags one write */
#endif
#ifndef DOWNS
#define DOWNS 0                 /* times that the store goes down: between scripts, or between script and answer */
#endif
#ifndef DELAYS
#define DELAYS 0                 /* 1: then a put or fail may be left behind, and run when the store is up again */
#endif
#ifndef FORGETS
#define FORGETS 0               /* times that a machine loses the record of its token */
#endif
/* CLASSIC        a newer token kills the older one; without it, the endpoint is `stable`
 * TICKS          a due token may expire meanwhile
 * LEGACY         with CLASSIC: a program without the extension asks, and writes into the file of a machine
 * READER         the last machine may not fetch
 * GONE           a machine whose process was killed may be gone for good */

#define MACHINES 3
#ifdef MUTANT_ONE_ROUND
#define ROUNDS 1
#else
#define ROUNDS 2                /* quiet syncs of each machine, at the end */
#endif

#define NO_TOKEN 0
#define T0 1                    /* the token from before */

/* What the scripts answer. That a machine must wait is no answer: it asks until there is another one. */
mtype = {
    nothing,                    /* none; sync: neither has what the other lacks; put: it has expired */
    lost,                       /* the store is down */
    adopt, hold_off, failed, grant, /* take */
    stored,                     /* put; or adopt */
    same, give,                 /* sync; or adopt */
    late_put, late_fail         /* what is left behind */
};

/* Tokens are numbered: classic ones in the order in which their fetches began, for these have the same lifetime;
 * stable ones in the order in which WeChat made them. A larger number expires later. The stamp is what a record
 * says of that: the same number, by the clock of the store. */
typedef Copy {
    byte token;
    byte stamp                  /* 0: there is no record of this token */
};

/* The hash of the store. */
typedef Hash {
    byte token;
    byte stamp;
    byte own;                   /* the machine that may fetch, plus 1; 0: none */
    bool lease;                 /* ... has not ended */
    bool fail;                  /* a failure is on record, and its retry lies ahead */
    bool rest;                  /* the token is due, and WeChat has returned it once more */
    byte rejected               /* a token that is rejected, and that WeChat has returned once more */
};

Hash store;
#if FAILOVERS > 0
Hash replica;                   /* the store as it was before its last write */
#endif
Copy file[MACHINES];            /* the token file of each machine, with the record of its token */

bool up = true;                 /* the store can be reached */
bool over = false;              /* nothing happens any more but the quiet syncs */
bool busy[MACHINES];            /* a call or a sync is under way */
bool called[MACHINES];          /* it has made its call */
bool at_work[MACHINES];         /* it has the grant, and has not yet told the store how that ended */
#ifdef GONE
bool gone[MACHINES];
#define is_gone(m) gone[m]
#else
#define is_gone(m) false
#endif
#ifdef MUTANT_OWNER_IS_PROCESS
byte deaths[MACHINES];
#endif

/* WeChat. */
byte due = NO_TOKEN;            /* the tokens up to this one are */
byte expired = NO_TOKEN;        /* the tokens up to this one have */
byte current = T0;              /* the newest token that WeChat has made */
byte revoked = NO_TOKEN;        /* a token that the other APIs reject, whatever a fetch returns */
byte asked = T0;                /* fetches so far */
#ifndef CLASSIC
byte forced = T0;               /* the last token of a forced refresh: those before it are dead */
#endif

byte syncs_left = SYNCS;
byte rejects_left = REJECTS;
byte revokes_left = REVOKES;
byte again_left = AGAIN;
byte failures_left = FAILURES;
byte kills_left = KILLS;
byte downs_left = DOWNS;
#if DELAYS > 0
mtype late = nothing;           /* the script that is left behind */
byte late_machine;
byte late_rejected;
Copy late_token;
bool late_left = true;
#define nothing_is_late (late == nothing)
#else
#define nothing_is_late true
#endif

/* Fetches that something has made necessary, and that have not begun. F1 alone looks at this. */
byte needed = 0;
bool postponed = false;         /* one has failed, and until its retry nobody needs another one */
#ifdef TICKS
bool returned = false;          /* WeChat has returned a token that is due */
#endif

/* The promises. An assertion names the one that is broken. */
bool F1_one_fetch_per_expiry = true;
bool F2_no_rejected_token_is_handed_out = true;
bool F3_no_older_token_in_the_store = true;
bool F3_no_older_token_in_a_file = true;
bool F4_all_files_agree_on_the_newest = true;
bool every_machine_ends = true;

/* ---- Tokens ---- */

#define is_valid(t) (t > expired)
#define is_fresh(t) (t > expired && t > due)
#define is_due(t) (t > expired && t <= due)

#ifdef CLASSIC
#define is_dead(t) (t != NO_TOKEN && (t == revoked || t != current))
#define WASTE 2                 /* a fetch without need: itself, and another one for the token that it kills */
#else
#define is_dead(t) (t != NO_TOKEN && (t == revoked || t < forced))
#define WASTE 1
#endif

inline copy(to, from) {
    to.token = from.token;
    to.stamp = from.stamp
}

inline forget(c) {
    c.token = NO_TOKEN;
    c.stamp = 0
}

/* Without a record, the age is told by the expiry. */
#if defined(MUTANT_UNKNOWN_AGE_GIVES_WAY)
#define estimate(t) 0
#elif defined(MUTANT_EXPIRY_UNDERSTATED)
#define estimate(t) (t - 1)
#else
#define estimate(t) t
#endif

inline read_file(m, c) {
    c.token = file[m].token;
    c.stamp = (file[m].stamp == 0 && c.token != NO_TOKEN -> estimate(c.token) : file[m].stamp)
}

#ifdef MUTANT_UNKNOWN_AGE_TAKES_OVER
#define read_to_sync(m, c) read_file(m, c); c.stamp = (file[m].stamp == 0 -> asked + 1 : c.stamp)
#else
#define read_to_sync(m, c) read_file(m, c)
#endif

/* ---- The scripts ---- */

#ifdef MUTANT_OWNER_IS_PROCESS
#define OWNER(m) (m + 1 + MACHINES * deaths[m])
#else
#define OWNER(m) (m + 1)
#endif

#ifdef READER
#define may_fetch(m) (m != MACHINES - 1)
#else
#define may_fetch(m) true
#endif

#define store_is_valid is_valid(store.token)
#define store_is_rejected (store.token != NO_TOKEN && store.token == store.rejected)

/* Whatever a script writes is one write for the replica. */
inline write() {
#if FAILOVERS > 0
    replica.token = store.token; replica.stamp = store.stamp;
    replica.own = store.own; replica.lease = store.lease;
    replica.fail = store.fail; replica.rest = store.rest; replica.rejected = store.rejected
#else
    skip
#endif
}

inline release() {
    store.own = 0;
    store.lease = false
}

/* Who asks has the lock of its machine's token file. So what that machine owns is left from a process that died,
 * or whose answer was lost. */
#ifdef MUTANT_LEFT_LOCK_STAYS
#define has_left_lock(m) false
#else
#define has_left_lock(m) (store.own == OWNER(m))
#endif

inline release_left_lock(m) {
    if
    :: has_left_lock(m) -> release()
    :: else
    fi
}

inline hand_out() {
    F2_no_rejected_token_is_handed_out = (!store_is_rejected && store.token != refused);
    assert(F2_no_rejected_token_is_handed_out);
    answer = adopt
}

/* take: for the machine m, whose file holds `had`, and whose caller may have been refused with that. */
#ifdef MUTANT_TAKE_WITHOUT_REJECTED
#define take_skips false
#else
#define take_skips store_is_rejected
#endif
#ifdef MUTANT_TAKE_WITHOUT_KNOWN
#define take_adopts (store_is_valid && !take_skips && !(refused != NO_TOKEN && store.token == refused))
#else
#define take_adopts (store_is_valid && !take_skips && store.token != had.token && store.stamp >= had.stamp)
#endif
#ifdef MUTANT_TAKE_WITHOUT_REST
#define take_rests false
#else
#define take_rests (store_is_valid && !take_skips && store.token == had.token && refused == NO_TOKEN && store.rest)
#endif
#define is_anothers(m) (store.own != 0 && store.own != OWNER(m) && store.lease)
#define take_waits(m) (!take_adopts && !take_rests && (is_anothers(m) || !store.fail && !may_fetch(m)))
#define take_grants (!take_adopts && !take_rests && !store.fail)

inline run_take(m) {
    if
    :: has_left_lock(m) || take_grants -> write()
    :: else
    fi;
    release_left_lock(m);
    if
    :: take_adopts -> hand_out()
    :: !take_adopts && take_rests -> answer = hold_off
    :: !take_adopts && !take_rests && store.fail -> answer = failed
    :: else ->
        store.own = OWNER(m);
        store.lease = true;
#ifndef MUTANT_GRANT_WITHOUT_REJECTED
        told = store.rejected;
#endif
        answer = grant
    fi
}

/* put: the token c. */
#if defined(MUTANT_PUT_WITHOUT_STAMP)
#define is_overtaken(c) false
#elif defined(MUTANT_SYNC_ALWAYS_GIVES)
#define is_overtaken(c) (answer != give && store.stamp > c.stamp)
#else
#define is_overtaken(c) (store.stamp > c.stamp)
#endif
#define put_hands_out(c) (store_is_valid && !store_is_rejected && store.token != c.token && is_overtaken(c))
#ifdef MUTANT_RELEASE_WITHOUT_OWNER
#define put_releases(m) true
#else
#define put_releases(m) (store.own == OWNER(m))
#endif

inline run_put(m, c) {
    write();
    if
    :: put_releases(m) -> release()
    :: else
    fi;
    if
    :: put_hands_out(c) -> hand_out()
    :: !put_hands_out(c) && !is_valid(c.token) -> answer = nothing
    :: else ->
        F3_no_older_token_in_the_store =
            !(store_is_valid && !store_is_rejected && c.token < store.token);
        assert(F3_no_older_token_in_the_store);
        store.rest = (is_due(c.token) && (answer == grant || store.token == c.token && store.rest));
        copy(store, c);
#ifdef MUTANT_PUT_CLEARS_FAILURE
        store.fail = false;
#endif
        answer = stored
    fi
}

/* fail: r is the rejected token that WeChat has returned once more; NO_TOKEN: it failed otherwise. */
#ifdef MUTANT_FAIL_BY_ANYBODY
#define may_fail(m) true
#else
#define may_fail(m) (store.own == OWNER(m))
#endif

inline run_fail(m, r) {
    if
    :: may_fail(m) ->
        postponed = (postponed || store.own == OWNER(m));
        write();
        release();
#ifndef MUTANT_FAIL_WITHOUT_RECORD
        store.fail = true;
#endif
        store.rejected = (r != NO_TOKEN -> r : store.rejected)
    :: else
    fi;
    answer = failed
}

/* sync: the file holds c. */
#define sync_agrees(c) (store_is_valid && store.token == c.token)
#if defined(MUTANT_SYNC_ALWAYS_TAKES)
#define sync_wants(m, c) (is_valid(c.token) && !store_is_valid)
#elif defined(MUTANT_SYNC_ALWAYS_GIVES)
#define sync_wants(m, c) is_valid(c.token)
#elif defined(MUTANT_SYNC_WITH_MARGIN)
#define sync_wants(m, c) (is_valid(c.token) && (!store_is_valid || c.stamp > store.stamp + 1))
#elif defined(MUTANT_UNKNOWN_AGE_STAYS)
#define sync_wants(m, c) (is_valid(c.token) && (!store_is_valid || c.stamp > store.stamp && file[m].stamp != 0))
#else
#define sync_wants(m, c) (is_valid(c.token) && (!store_is_valid || c.stamp > store.stamp))
#endif
#if defined(MUTANT_SYNC_WITHOUT_REJECTED)
#define sync_adopts(c) store_is_valid
#elif defined(MUTANT_UNKNOWN_AGE_STAYS)
#define sync_adopts(c) (store_is_valid && !store_is_rejected && c.stamp <= store.stamp)
#else
#define sync_adopts(c) (store_is_valid && !store_is_rejected)
#endif

inline run_sync(m, c) {
    if
    :: sync_agrees(c) -> answer = same
    :: !sync_agrees(c) && sync_wants(m, c) -> answer = give
    :: !sync_agrees(c) && !sync_wants(m, c) && sync_adopts(c) -> hand_out()
    :: else -> answer = nothing
    fi
}

/* ---- A machine ---- */

#define is_killed kills_left > 0 -> kills_left--
#define store_goes_down downs_left > 0 -> downs_left--; up = false

/* A token goes into the file, if that still holds what was read before: Outcome::Displaced else. */
inline write_file(m, c) {
    if
    :: file[m].token == had.token ->
        F3_no_older_token_in_a_file =
            !(is_valid(had.token) && had.token != store.rejected && c.token < had.token);
        assert(F3_no_older_token_in_a_file);
        copy(file[m], c)
    :: else
    fi
}

/* The store has the same token: the record takes its stamp. */
inline confirm(m) {
    file[m].stamp = (file[m].token == store.token -> store.stamp : file[m].stamp)
}

inline end_of_call(m) {
    forget(had);
    forget(mine);
    answer = nothing;
    told = NO_TOKEN;
    still = NO_TOKEN;
    at_work[m] = false;
    busy[m] = false
}

inline begin_fetch() {
    asked++;
    F1_one_fetch_per_expiry = (needed > 0);
    assert(F1_one_fetch_per_expiry);
    needed--;
#ifdef MUTANT_STAMP_OF_LAST_FETCH
    began = asked;
#endif
#ifdef CLASSIC
    mine.token = asked
#endif
}

/* WeChat answers. A stable token comes again, until some time before its end. */
inline make_token() {
#ifdef CLASSIC
    current = mine.token;
#else
    if
    :: is_valid(current)
    :: !is_fresh(current) -> current++
    fi;
    mine.token = current;
#ifdef TICKS
    returned = (returned || is_due(current));
#endif
#endif
    mine.stamp = mine.token
}

#ifdef CLASSIC
#define is_refused(t) false
#define may_fetch_alone (refused != NO_TOKEN || !is_valid(had.token))
#else
#define is_refused(t) (t == refused || t == told)
#define may_fetch_alone true
#endif

proctype Machine(byte m) {
    Copy had;                   /* what the file held when the call began */
    Copy mine;                  /* what WeChat or the store has answered */
    mtype answer = nothing;     /* of the last script */
    byte refused;               /* wx_refresh_token(): the token with which the caller was refused */
    byte told;                  /* the rejected token that the store told of with its grant */
    byte still;                 /* the one that WeChat has returned once more */
#ifdef MUTANT_STAMP_OF_LAST_FETCH
    byte began;                 /* when its fetch did */
#endif

end_idle:
    atomic {
        if
        :: !over && !is_fresh(file[m].token) && !called[m] -> called[m] = true
        :: !over && !is_fresh(file[m].token) && called[m] && again_left > 0 -> again_left--
        :: !over && is_dead(file[m].token) && rejects_left > 0 -> rejects_left--; refused = file[m].token
        :: !over && is_fresh(file[m].token) && syncs_left > 0 ->
            syncs_left--;
            busy[m] = true;
            read_to_sync(m, had);
            goto ask_sync
        fi;
call:
        busy[m] = true;
        read_file(m, had)
    };

    atomic {
        if
        :: is_killed -> goto killed
        :: up && !take_waits(m) ->
            d_step { run_take(m) };
            if
            :: true
            :: store_goes_down; answer = lost
            fi
        :: up && take_waits(m) && !may_fetch(m) -> goto leave
        :: !up -> answer = lost
        fi;
        if
        :: answer == adopt -> copy(mine, store); goto put_in_file
        :: answer == hold_off -> confirm(m); goto leave
        :: answer == failed -> goto leave
        :: answer == grant -> at_work[m] = true
        :: answer == lost ->
            /* Alone. A classic token that is due stays: a fetch would kill it for the others. */
            told = NO_TOKEN;
            if
            :: !may_fetch(m) || !may_fetch_alone -> goto leave
            :: else -> needed = needed + WASTE
            fi
        fi
    };

    atomic {
        if
        :: is_killed -> goto killed
        :: true -> d_step { begin_fetch() }
        fi
    };

    atomic {
        if
        :: is_killed -> needed++; goto killed
        :: is_killed -> make_token(); needed = needed + WASTE; goto killed
        :: failures_left > 0 -> failures_left--; goto ask_fail
        :: true ->
            make_token();
#ifndef CLASSIC
            if
            :: is_refused(mine.token) ->
                current++;
                forced = current;
                mine.token = current;
                mine.stamp = current
            :: is_refused(mine.token) && failures_left > 0 ->
                failures_left--;
                still = mine.token;
                goto ask_fail
            :: else
            fi;
#endif
#ifdef MUTANT_STAMP_OF_LAST_FETCH
            mine.stamp = began;
#endif
            if
            :: at_work[m]
            :: else -> goto put_in_file
            fi
        fi
    };

ask_put:
    atomic {
        if
        :: is_killed -> needed = needed + (at_work[m] -> WASTE : 0); goto killed
        :: up ->
            d_step { run_put(m, mine) };
            if
            :: true
            :: store_goes_down; answer = lost
            fi
        :: !up -> needed = needed + (at_work[m] -> WASTE : 0); answer = lost
#if DELAYS > 0
        :: up && late_left && store_goes_down;
            needed = needed + WASTE;
            late_left = false; late = late_put; late_machine = m; copy(late_token, mine);
            answer = lost
#endif
        fi;
        at_work[m] = false;
        if
        :: answer == adopt -> copy(mine, store)
        :: else
        fi
    };

put_in_file:
    atomic {
        if
        :: is_killed -> goto killed
        :: true -> d_step { write_file(m, mine) }; goto leave
        fi
    };

ask_fail:
    atomic {
        if
        :: !at_work[m]
        :: at_work[m] && is_killed; needed++; goto killed
        :: at_work[m] && up ->
            d_step { run_fail(m, still) };
            if
            :: true
            :: store_goes_down
            fi
        :: at_work[m] && !up -> needed++
#if DELAYS > 0
        :: at_work[m] && up && late_left && store_goes_down;
            needed = needed + WASTE;
            late_left = false; late = late_fail; late_machine = m; late_rejected = still
#endif
        fi;
        goto leave
    };

ask_sync:
    atomic {
        if
        :: is_killed -> goto killed
        :: up ->
            d_step { run_sync(m, had) };
            if
            :: true
            :: store_goes_down; answer = lost
            fi
        :: !up -> answer = lost
        fi;
        if
        :: answer == same -> confirm(m); goto leave
        :: answer == give -> copy(mine, had); goto ask_put
        :: answer == adopt -> copy(mine, store); goto put_in_file
        :: else -> goto leave
        fi
    };

killed:
    /* Another process of the machine makes the call: one that was refused as well does so at once. */
    atomic {
        true;
#ifdef MUTANT_OWNER_IS_PROCESS
        deaths[m]++;
#endif
        d_step { end_of_call(m); called[m] = false };
        if
        :: refused != NO_TOKEN && file[m].token == refused -> goto call
        :: refused == NO_TOKEN || file[m].token != refused -> refused = NO_TOKEN; goto end_idle
#ifdef GONE
        :: gone[m] = true; called[m] = true; refused = NO_TOKEN; goto end
#endif
        fi
    };

leave:
    atomic {
        refused = NO_TOKEN;
        d_step { end_of_call(m) };
        goto end_idle
    };
#ifdef GONE
end:
    skip
#endif
}

/* ---- The world ---- */

#define owner_works (store.own == OWNER(0) && at_work[0] || store.own == OWNER(1) && at_work[1] || \
    store.own == OWNER(2) && at_work[2])

inline end_lease() {
    store.lease = false;
#if FAILOVERS > 0
    replica.lease = false
#else
    skip
#endif
}

/* The retry of the failure on record has passed, or the record is lost. */
inline need_again() {
    needed = needed + (postponed -> 1 : 0);
    postponed = false
}

proctype World() {
    byte leases_left = LEASES;
    byte losses_left = LOSSES;
    byte failovers_left = FAILOVERS;
    byte forgets_left = FORGETS;
    byte ages_left = AGES;
    byte rests_left = RESTS;
    mtype answer = nothing;
    byte refused = NO_TOKEN;

end:
    do
    :: d_step { !over && store.fail -> store.fail = false; need_again() }
    :: atomic { !over && !up -> up = true }
    :: atomic { !over && up && store_goes_down }
#ifdef TICKS
    :: d_step { !over && due > expired -> expired = due; needed = needed + (returned -> 1 : 0) }
#endif
#if AGES > 0
    :: d_step { !over && ages_left > 0 && nothing_is_late && !busy[0] && !busy[1] && !busy[2] && is_fresh(current) &&
            current != revoked ->
            ages_left--;
#ifdef CLASSIC
            due = asked;
#else
            due = current;
#endif
            called[0] = is_gone(0); called[1] = is_gone(1); called[2] = is_gone(2);
            needed = 1 }
#endif
#if RESTS > 0
    :: d_step { !over && store.rest && rests_left > 0 -> rests_left--; store.rest = false; needed++ }
#endif
#if REVOKES > 0
    :: d_step { !over && revokes_left > 0 && revoked == NO_TOKEN -> revokes_left--; revoked = current; needed++ }
#ifndef CLASSIC
    /* Somebody else forces a refresh. */
    :: d_step { !over && revokes_left > 0 -> revokes_left--; current++; forced = current; needed++ }
#endif
#endif
#if LEASES + LOSSES + FAILOVERS + DOWNS > 0 || defined(GONE) || defined(LEGACY)
    :: d_step { !over && store.lease && !owner_works -> end_lease() }
#endif
#if LEASES > 0
    :: d_step { !over && store.lease && owner_works && leases_left > 0 ->
            leases_left--;
            needed = needed + WASTE;
            end_lease() }
#endif
#if LOSSES > 0
    /* The lock is lost, and perhaps a token that would have been adopted. */
    :: d_step { !over && losses_left > 0 ->
            losses_left--;
            needed = needed + WASTE + (store_is_valid -> 1 : 0);
            need_again();
            write();
            store.token = NO_TOKEN; store.stamp = 0;
            store.own = 0; store.lease = false;
            store.fail = false; store.rest = false; store.rejected = NO_TOKEN }
#endif
#if FAILOVERS > 0
    :: d_step { !over && failovers_left > 0 ->
            failovers_left--;
            needed = needed + WASTE;
            need_again();
            store.token = replica.token; store.stamp = replica.stamp;
            store.own = replica.own; store.lease = replica.lease;
            store.fail = replica.fail; store.rest = replica.rest; store.rejected = replica.rejected }
#endif
#if FORGETS > 0
    :: atomic { !over && forgets_left > 0 -> forgets_left--;
            if
            :: file[0].stamp != 0 -> file[0].stamp = 0
            :: file[1].stamp != 0 -> file[1].stamp = 0
            :: file[2].stamp != 0 -> file[2].stamp = 0
            fi }
#endif
#if DELAYS > 0
    :: d_step { !over && up && late != nothing ->
#ifdef MUTANT_AGE_COUNTS_FROM_ARRIVAL
            late_token.stamp = asked;
#endif
            /* It may release what a later process of the same machine was granted. */
            needed = needed + (owner_works && store.own == OWNER(late_machine) -> WASTE : 0);
            if
            :: late == late_put -> run_put(late_machine, late_token)
            :: else -> run_fail(late_machine, late_rejected)
            fi;
            forget(late_token);
            late = nothing; late_machine = 0; late_rejected = NO_TOKEN; answer = nothing }
#endif
    od
}

#ifdef LEGACY
/* What is beside the token stays, but is the record of another one. */
inline write_without_record(m) {
    file[m].token = token
#ifndef MUTANT_RECORD_OF_ANOTHER_TOKEN
    ;
    file[m].stamp = 0
#endif
}

proctype Legacy() {
    byte token;

end_waiting:
    d_step { !over -> asked++; token = asked; current = asked; needed++ };
end_asked:
    atomic {
        !over;
        if
        :: write_without_record(0)
        :: write_without_record(1)
        :: write_without_record(2)
        fi
    }
}
#endif

/* ---- The end ---- */

#define is_idle(m) (!busy[m] && (is_fresh(file[m].token) || called[m]))

inline sync_quietly(m) {
    read_to_sync(m, had);
    run_sync(m, had);
    if
    :: answer == give -> copy(mine, had); run_put(m, mine)
    :: else
    fi;
    if
    :: answer == same || answer == stored -> confirm(m)
    :: answer == adopt -> copy(mine, store); write_file(m, mine)
    :: else
    fi;
    answer = nothing
}

#define has(m, t) (is_gone(m) || file[m].token == t)
inline look_at(value) {
    newest = (is_valid(value) && value > newest -> value : newest)
}

/* When all have ended, each machine syncs ROUNDS times, in any order, and nothing else happens. Then all files hold
 * the newest token that was in any of them or in the store; unless the store knows that one to be rejected. */
proctype Quiet() {
    Copy had;
    Copy mine;
    mtype answer = nothing;
    byte refused = NO_TOKEN;
    byte newest = NO_TOKEN;
    byte round = 0;
    bool synced[MACHINES];

    if
    :: atomic {
            up && nothing_is_late && is_idle(0) && is_idle(1) && is_idle(2);
            over = true;
            d_step { look_at(file[0].token); look_at(file[1].token); look_at(file[2].token); look_at(store.token) };
            do
            :: round < ROUNDS ->
                do
                :: !synced[0] && !is_gone(0) -> synced[0] = true; d_step { sync_quietly(0) }
                :: !synced[1] && !is_gone(1) -> synced[1] = true; d_step { sync_quietly(1) }
                :: !synced[2] && !is_gone(2) -> synced[2] = true; d_step { sync_quietly(2) }
                :: else -> break
                od;
                round++;
                d_step { synced[0] = false; synced[1] = false; synced[2] = false }
            :: else -> break
            od;
            F4_all_files_agree_on_the_newest = (newest == NO_TOKEN || newest == store.rejected ||
                has(0, newest) && has(1, newest) && has(2, newest));
            assert(F4_all_files_agree_on_the_newest)
        }
    :: timeout ->
        every_machine_ends = false;
        assert(every_machine_ends)
    fi
}

inline begin_with_T0(c) {
    c.token = T0;
    c.stamp = T0
}

init {
    byte files;                 /* the first machines have T0, the others have no file */

    atomic {
        if
        :: true
        :: due = T0
        :: expired = T0
        fi;
        if
        :: files = 0
        :: files = 1; begin_with_T0(file[0])
        :: files = 2; begin_with_T0(file[0]); begin_with_T0(file[1])
        :: files = 3; begin_with_T0(file[0]); begin_with_T0(file[1]); begin_with_T0(file[2])
        fi;
        if
        :: true
        :: begin_with_T0(store)
        fi;
        write();
        needed = (is_fresh(T0) && (files == MACHINES || store.token == T0) -> 0 : 1);
        run Machine(0);
        run Machine(1);
        run Machine(2);
        run World();
        run Quiet()
#ifdef LEGACY
        ;
        run Legacy()
#endif
    }
}
