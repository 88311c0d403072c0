/*
 * The protocol of wx_token as a model for spin: who may ask WeChat, what is stored, and what is
 * left when a process dies. Names are those of the code and of the promises I1 ... I9 in
 * ARCHITECTURE.md. scripts/model explores it completely; README.md says what it leaves out.
 *
 * One atomic block is one step: at most one system call that others can notice. Between any two
 * steps any other process may run, and SIGKILL may strike. What a step decides from what it has
 * just read is part of that step, for nobody else sees it.
 */

/* The size of a run. scripts/model sets these. */
#ifndef CALLERS
#define CALLERS 3               /* PHP processes that make a call each: 1 to 3 */
#endif
#ifndef CRASHES
#define CRASHES 0               /* SIGKILLs, at any step of any process */
#endif
#ifndef FORKS
#define FORKS 0                 /* 1: a process may fork, and the child makes a call too */
#endif
#ifndef FAILURES
#define FAILURES 0              /* fetches that may fail */
#endif
#ifndef TICKS
#define TICKS 0                 /* 1: a due token may expire meanwhile */
#endif
#ifndef STORES_FAIL
#define STORES_FAIL 0           /* stores that the disk may fail; then retry_at passes when it does */
#endif
#ifndef AGAIN
#define AGAIN 0                 /* further calls, of any process that has made one */
#endif
#if TICKS > 0 || STORES_FAIL > 0 || defined(CLASSIC)
#define TIME 1
#else
#define TIME 0
#endif
/* LEGACY         a program without a lock writes once
 * WITHIN         one process may make its call in wx_with_lock()
 * REJECTS        a process may make its call with wx_refresh_token()
 * TRIES          a process may make its call with wx_try_token()
 * NO_THREAD      no thread can be started for a worker, now and then
 * IN_PLACE       the file is written in place (write_mode, hard link, mount), not replaced
 * STAGED_UNLOCKED  a replacement is locked only just before its rename: a sweep takes it away
 * THREADS        the first two processes are threads of one: they share what it could not store
 * CLASSIC        a fetch kills the token before it, after a while: also one that is cut off
 * LATER_RECORD_WINS  a token that could not be stored gives way to a later failure record of another
 * LEFTOVER_SPARED  what a killed process has left is swept when a token is stored, not before */

#define CHILD 3                 /* the process that a fork makes */
#define PROCESSES 4
#define FILES 6                 /* inodes; those that nothing refers to are used again */
#define WAIT_OVER true          /* lock_timeout or the limit of a fetch: it may pass at any moment */

/* Tokens are numbered in the order in which they were asked for. A larger number is a newer fetch. */
#define NO_TOKEN 0
#define T0 1                    /* what the file holds at first */
#define MIXED 255               /* half of one token and half of another, in whole JSON */

#define WHOLE 0
#define TORN_BY_US 1
#define TORN_BY_LEGACY 2

typedef Inode {
    byte token;
    byte failure;               /* the number of the failure record, 0: none */
#if STORES_FAIL > 0
    byte attribute;             /* the same, in an attribute */
#endif
    byte torn;
    bool being_written;         /* within one pwrite(2) */
    byte lock                   /* flock: the description that has it, plus 1; 0: free */
};

/* An open file description, the owner of a flock. Each process has room for two. */
typedef Description {
    byte inode;                 /* 0: not open */
    bool registered;            /* in process::UnderWay, so the handler of a fork knows it */
    bool copy                   /* the forked child has a descriptor of it, too */
};

#define LOCK(p) ((p) * 2)       /* TokenLock::file */
#define BESIDE(p) ((p) * 2 + 1) /* PendingWrite::beside */

Inode file[FILES + 1];
Description description[PROCESSES * 2];
byte path = 1;                  /* the inode that the token file's name leads to */
byte staged[PROCESSES];         /* the inode at the name of a process's temp file, 0: none */
byte legacy_file = 0;           /* what the legacy program holds open or has made */

bool dead[PROCESSES];
bool expired = false;           /* T0 is; before that it is due */
byte asked = T0;                /* fetches so far: the number of the newest */
byte failures = 0;
byte crashes_left = CRASHES;
byte forks_left = FORKS;
byte parent = PROCESSES;        /* of the child, once there is one */
byte begun = 0;                 /* calls: the processes are alike, so they begin in order */
bool within_left = true;        /* nobody has called wx_with_lock() */
byte done = 0;
#if AGAIN > 0
byte again_left = AGAIN;
#endif

#if STORES_FAIL > 0
/* What a process knows of the file that the file cannot hold. */
byte unstored[PROCESSES];       /* a token, 0: none */
byte stood[PROCESSES];          /* the token in the file when it could not be stored */
byte own_failure[PROCESSES];    /* the number of the failure record that no file took */
#ifdef LATER_RECORD_WINS
byte left_with[PROCESSES];      /* the number of the failure record of that store */
#endif

byte stores_left = STORES_FAIL;
byte passed = 0;                /* the number of the last failure whose retry_at has passed */

/* Of the failure records, for the promises alone. */
byte known = 0;                 /* the last one that the file or its attribute took */
byte known_to[PROCESSES];       /* the last one that its process alone can remember */
#ifdef LATER_RECORD_WINS
byte known_lost = 0;            /* the newest token that could not be stored, by a record in the file */
#endif
#endif

#ifdef CLASSIC
bool killed = false;            /* T0 is: a refresh was cut off after it had asked, a while ago */

/* Of the fetches, for the promises alone. */
bool asking[PROCESSES];         /* it has asked, and has not stored what it was answered */
bool cut_off = false;           /* one of them has died */
bool told[PROCESSES];           /* its call has had the lock since */
#endif

/* Of the locks, for the promises alone; no process of the model looks at these. */
bool at_work[PROCESSES];        /* it asks the upstream, or its PHP code runs in wx_with_lock() */
bool confirmed[PROCESSES];      /* its locked file was found at the path */
bool displaced[PROCESSES];      /* then a program without a lock put another one there */
bool raced[PROCESSES];          /* a program without a lock has written since it last looked */

/* The promises. An assertion names the one that is broken. */
bool I1_one_fetch_at_a_time = true;
bool I2_no_torn_empty_or_expired_token = true;
bool I2_no_token_that_a_cut_off_refresh_has_killed = true;
bool I3_no_fetch_when_there_is_a_newer_token = true;
bool I5_every_wait_is_bounded = true;
bool I6_no_fetch_before_retry_at = true;
bool I7_the_file_is_whole = true;
bool I7_no_lock_stays = true;
bool I7_no_token_is_lost = true;
bool I9_no_older_fetch_over_a_newer = true;
bool the_model_is_large_enough = true;

/* ---- The file system ---- */

#define is_used(i) (path == i || legacy_file == i || \
    staged[0] == i || staged[1] == i || staged[2] == i || staged[3] == i || \
    description[0].inode == i || description[1].inode == i || \
    description[2].inode == i || description[3].inode == i || \
    description[4].inode == i || description[5].inode == i || \
    description[6].inode == i || description[7].inode == i)

/* Inodes without a name and a descriptor are gone; their numbers come back, as they do on disk. */
inline reap() {
    for (n : 1 .. FILES) {
        if
        :: is_used(n) -> skip
        :: else ->
            file[n].token = NO_TOKEN; file[n].failure = 0; file[n].torn = WHOLE;
            file[n].being_written = false; file[n].lock = 0
#if STORES_FAIL > 0
            file[n].attribute = 0
#endif
        fi
    }
    n = 0
}

/* open(O_CREAT | O_EXCL): a new inode, empty. */
inline make(fresh) {
    n = 1;
    do
    :: n <= FILES && is_used(n) -> n++
    :: else -> break
    od;
    the_model_is_large_enough = (n <= FILES);
    assert(the_model_is_large_enough);
    fresh = n;
    n = 0
}

/* flock(LOCK_UN): frees the lock for all copies of the description. */
inline unlock(d) {
    if
    :: file[description[d].inode].lock == d + 1 -> file[description[d].inode].lock = 0
    :: else
    fi
}

/* close(2) by the process that has opened it. A lock goes with the last copy only. A copy in the
 * child that is no lock harms nobody and is forgotten. */
inline close(d) {
    I7_no_lock_stays = !(description[d].copy && description[d].inode != 0 &&
                         file[description[d].inode].lock == d + 1);
    assert(I7_no_lock_stays);
    unlock(d);
    description[d].inode = 0;
    description[d].registered = false;
    description[d].copy = false
}

#define is_valid(value) (value != NO_TOKEN && !(value == T0 && expired))

/* ---- Failures ---- */

/* FailureRecord::forbids: a choice, but where stores fail, for there it is a promise. */
#if STORES_FAIL > 0
#define may_fail (stores_left > 0)
#define newest_failure (failures + STORES_FAIL - stores_left)
#define may_forbid(number) (number > passed)
#define may_permit(number) (number <= passed)
#else
#define may_fail false
#define newest_failure failures
#define may_forbid(number) (number != 0)
#define may_permit(number) true
#endif

#ifdef THREADS
#define home(p) (p == 1 -> 0 : p)
#else
#define home(p) (p)
#endif

/* The newest failure record that a process can find, and the token that it could not store: its own, as
 * long as the file has got no other than the one that stood there. */
#if STORES_FAIL > 0
#define newer_of(one, other) (one > other -> one : other)
#define failure_in(i) newer_of(file[i].failure, file[i].attribute)
#define failure_for(p) newer_of(failure_in(path), own_failure[home(p)])
#if defined(LATER_RECORD_WINS) && !defined(MUTANT_LATER_RECORD_IGNORED)
#define is_superseded(p) (left_with[home(p)] < failure_in(path))
#else
#define is_superseded(p) false
#endif
#define is_kept(p, value) (unstored[home(p)] != NO_TOKEN && unstored[home(p)] != rejected && \
    !is_superseded(p) && (value == stood[home(p)] || value == NO_TOKEN))
#else
#define failure_for(p) (file[path].failure)
#endif

/* ---- Promises that are looked at in more than one place ---- */

#define counts(q) (at_work[q] && !displaced[q])
#define anybody_at_work (counts(0) || counts(1) || counts(2) || counts(3))

/* Whoever begins to work does it alone. A program without a lock that puts another file at the path
 * takes the lock away from under its holder: from then on that holder does not count. */
inline begin_work(p) {
    I1_one_fetch_at_a_time = (displaced[p] || at_work[p] || !anybody_at_work);
    assert(I1_one_fetch_at_a_time);
    at_work[p] = true
}

inline give(p, value) {
    I2_no_torn_empty_or_expired_token =
        (value != NO_TOKEN && value != MIXED && value != rejected && !(value == T0 && stale));
    assert(I2_no_torn_empty_or_expired_token);
#ifdef CLASSIC
    I2_no_token_that_a_cut_off_refresh_has_killed = !(value == T0 && told[p] && cold);
    assert(I2_no_token_that_a_cut_off_refresh_has_killed);
#endif
#if STORES_FAIL > 0
    owed = (value == owed -> NO_TOKEN : owed)
#endif
}

/* The caller looks at the clock. */
#ifdef CLASSIC
#define look_at_clock() stale = expired; cold = killed
#else
#define look_at_clock() stale = expired
#endif

/* About to put a token, or the document that was read, where `file[path].token` is. What came after the
 * last look is beyond anybody's reach: no system call replaces a file only if it is still the same. */
inline overwrite(p) {
    I9_no_older_fetch_over_a_newer =
        (raced[p] || !is_valid(file[path].token) ||
         (minted != NO_TOKEN && minted >= file[path].token) ||
         (minted == NO_TOKEN && document >= file[path].token));
    assert(I9_no_older_fetch_over_a_newer)
#ifdef LATER_RECORD_WINS
    ;
    I9_no_older_fetch_over_a_newer = (raced[p] || minted == NO_TOKEN || minted >= known_lost);
    assert(I9_no_older_fetch_over_a_newer)
#endif
}

/* Writes the token, or the document with the record of the failure. */
inline fill(d) {
    file[description[d].inode].token = (minted != 0 -> minted : document);
    file[description[d].inode].failure = (minted != 0 -> 0 : newest_failure);
#if STORES_FAIL > 0
    file[description[d].inode].attribute = 0;
    known = (minted == NO_TOKEN && !displaced[p] -> newest_failure : known);
#endif
#ifdef CLASSIC
    asking[p] = false;
#endif
    file[description[d].inode].torn = WHOLE;
    file[description[d].inode].being_written = false
}

#if STORES_FAIL > 0
/* The locked file has taken the record of a store that failed. */
inline tell_others(p) {
    known = (displaced[p] -> known : newest_failure)
#ifdef LATER_RECORD_WINS
    ;
    known_lost = (!displaced[p] && minted > known_lost -> minted : known_lost)
#endif
}
#endif

/* Somebody without the lock puts another file at the path: the locks on the old one exclude nobody. */
inline displace_holders() {
    for (n : 0 .. PROCESSES - 1) {
        displaced[n] = (displaced[n] || confirmed[n]);
        raced[n] = confirmed[n]
    }
    n = 0
#if STORES_FAIL > 0
    ;
    known = 0                   /* no record is sure to be left */
#ifdef LATER_RECORD_WINS
    ;
    known_lost = 0
#endif
#endif
}

/* ---- A process with a call under way ---- */

/* token_file::read. A write in place by one pwrite is waited out: what has changed just now is read
 * until it reads the same twice. Torn content is no token. */
#ifdef MUTANT_READ_ONCE
#define readable true
#define token_at(i) (file[i].being_written -> MIXED : file[i].token)
#else
#define readable (!file[path].being_written)
#define token_at(i) (file[i].token)
#endif

/* A caller that has found a leftover under the lock knows that T0 is killed once the time is over. */
#ifdef CLASSIC
#define is_live(value) (is_valid(value) && !(value == T0 && found && killed))
#else
#define is_live(value) is_valid(value)
#endif

#define is_leftover(q) (staged[q] != 0 && file[staged[q]].lock == 0)

#ifdef MUTANT_SERVE_TORN
#define usable(value) ((is_live(value) && value != rejected) || file[path].torn != WHOLE)
#else
#define usable(value) (is_live(value) && value != rejected)     /* Call::usable */
#endif
#define is_due(value) (value == T0 && rejected == NO_TOKEN && !expired)

/* Drop of TokenLock: unlocked, then closed, for a child may have a copy. */
inline drop_lock(p) {
    unlock(LOCK(p));
    close(LOCK(p));
    confirmed[p] = false; displaced[p] = false; raced[p] = false; at_work[p] = false
}

/* Drop of StagedFile: the temp file goes, if no sweep has been there before. */
inline drop_replacement(p) {
    close(BESIDE(p));
    staged[p] = 0
}

/* Everything that a process knows. Forgotten when it ends, so that ends are alike. */
inline end_of_call() {
    first = NO_TOKEN; old_failure = 0; in_hand = NO_TOKEN; document = NO_TOKEN;
    document_failure = 0;
    minted = NO_TOKEN; rejected = NO_TOKEN; due = false; trying = false;
    gone = false; stale = false; within = false; n = 0;
#if STORES_FAIL > 0
    I7_no_token_is_lost = (dead[p] || owed == NO_TOKEN);
    assert(I7_no_token_is_lost);
    owed = NO_TOKEN;
#endif
#ifdef CLASSIC
    cold = false; found = false; asking[p] = false; told[p] = false;
#endif
#if AGAIN == 0
    done++
#endif
}
#define refresh_ends if :: within -> goto leave :: else -> goto let_go fi
#define return end_of_call(); goto over

/* That it is not stored is no reason to keep it from its caller. */
inline give_in_hand(p) {
    if
    :: in_hand != NO_TOKEN -> give(p, in_hand)
    :: else
    fi
}

proctype Process(byte p) {
    byte first;                 /* the token that the first read found */
    byte old_failure;           /* TokenRequest::old_failure */
    byte in_hand;               /* TokenRequest::displaced */
    byte document;              /* Refresh::document: what was read under the lock */
    byte document_failure;
    byte minted;                /* what the upstream has answered; 0: it failed */
    byte rejected;              /* wx_refresh_token(): the token that was refused */
    bool due;                   /* the call is in protocol::due, with a valid token */
    bool trying;                /* wx_try_token() */
    bool gone;                  /* the caller does not wait, or no longer: only its worker is left */
    bool stale;                 /* T0 had expired when the caller last looked at the clock */
    bool within;                /* wx_with_lock(): PHP code holds the lock around the call */
    byte n;                     /* scratch */
#if STORES_FAIL > 0
    byte owed;                  /* a token that could not be stored, and whose caller waits for it */
#endif
#ifdef CLASSIC
    bool cold;                  /* T0 was killed when the caller last looked at the clock */
    bool found;                 /* there was a leftover when it had the lock */
#endif
#ifdef MUTANT_WITHIN_TRIES_AGAIN
    bool tried = false;
#endif

end_unborn:
    (p == CHILD && parent != PROCESSES) || (p != CHILD && begun == p);

next_call:
    {
    /* protocol::get and protocol::replace: a read without a lock. */
    atomic {
        readable;
        if
        :: p != CHILD && begun == p -> begun++
        :: else
        fi;
        if
        :: skip
#ifdef REJECTS
        :: p != CHILD -> rejected = T0
#endif
#ifdef TRIES
        :: p != CHILD -> trying = true
#endif
#ifdef WITHIN
        :: within_left -> within_left = false; within = true; goto attempt
#endif
        fi;
        look_at_clock();
        first = token_at(path);
        old_failure = failure_for(p);
        if
#if STORES_FAIL > 0
        :: is_kept(p, first) ->                 /* unstored: a valid token, and due to be stored */
            first = unstored[home(p)];
            if
            :: may_permit(old_failure) -> due = true
            :: may_forbid(old_failure) -> give(p, first); return
            fi
        :: !is_kept(p, first) && usable(first) && !is_due(first) -> give(p, first); return
        :: !is_kept(p, first) && usable(first) && is_due(first) ->
#else
        :: usable(first) && !is_due(first) -> give(p, first); return
        :: usable(first) && is_due(first) ->
#endif
            if
            :: may_permit(old_failure) -> due = true
            :: give(p, first); return           /* Call::is_held_off */
            fi
        :: else ->
            if
            :: may_permit(old_failure)          /* retry_at has passed, or nothing failed */
            :: may_forbid(old_failure) -> return    /* FailureRecord::forbids: repeated at once */
            fi
        fi
    };

attempt:
    /* TokenLock::attempt. The description is known to the fork handler from its making: it is opened
     * and locked under the same mutex. */
    atomic {
        description[LOCK(p)].inode = path;
#ifndef MUTANT_OPEN_OUTSIDE_MUTEX
        description[LOCK(p)].registered = true
#endif
    };
    atomic {
        if
#ifdef MUTANT_NO_LOCK
        :: true
#else
        :: file[description[LOCK(p)].inode].lock == 0 ->
            file[description[LOCK(p)].inode].lock = LOCK(p) + 1
#endif
            description[LOCK(p)].registered = true
#ifndef MUTANT_NO_LOCK
        :: else -> d_step { close(LOCK(p)); reap() }; goto busy
#endif
        fi
    };
    /* TokenLock::is_current: another file may have come to the path between the two. */
    atomic {
        if
#ifndef MUTANT_NO_IDENTITY_CHECK
        :: path != description[LOCK(p)].inode -> d_step { drop_lock(p); reap() }; goto busy
        :: path == description[LOCK(p)].inode
#else
        :: true
#endif
        fi;
        confirmed[p] = true;
#ifdef CLASSIC
        /* replace::cut_off_at. A due token that has been killed is none. */
        found = (is_leftover(0) || is_leftover(1) || is_leftover(2) || is_leftover(3));
#ifdef LEFTOVER_SPARED
        told[p] = (cut_off && file[path].token == T0);
#else
        told[p] = (cut_off && file[path].token == T0 && found);
#endif
#ifdef MUTANT_LEFTOVER_IGNORED
        found = false;
#endif
        look_at_clock();
        due = (due && is_live(first));
#endif
        if
        :: within -> goto enter
        :: !within ->                           /* a caller that waits; or a loader, on its own thread */
            if
            :: !trying -> goto had
            :: due -> give(p, first); gone = true; goto had     /* in the background */
            :: trying && !due -> gone = true; goto had          /* null */
#ifdef NO_THREAD
            :: goto failed
#endif
            fi
        fi
    };

busy:
    /* Attempt::Busy and Attempt::Replaced. */
    atomic {
        readable;
        if
        :: due -> give(p, first); return        /* somebody is at it; nobody waits for it */
        :: trying && !due -> return             /* null */
        :: within -> goto attempt
        :: within && WAIT_OVER -> return
        :: !due && !within && !trying ->
            /* LockWait::pause, then Waiter::stored_by_another. */
            look_at_clock();
            if
#if STORES_FAIL > 0
            :: is_kept(p, token_at(path)) -> give(p, unstored[home(p)]); return
#endif
            :: usable(token_at(path)) -> give(p, token_at(path)); return
            :: !usable(token_at(path)) && failure_for(p) != 0 &&
               failure_for(p) != old_failure -> give_in_hand(p); return
            :: !usable(token_at(path)) -> goto attempt
            :: !usable(token_at(path)) && WAIT_OVER ->
                give_in_hand(p); return         /* or LockException */
            fi
        fi
    };

enter:
    /* wx_with_lock(): PHP code runs under the lock, and makes the call. */
    atomic {
        begin_work(p);
        first = NO_TOKEN
    };
    atomic {
        readable;
        look_at_clock();
        first = token_at(path);
        old_failure = failure_for(p);
        if
        :: usable(first) -> give(p, first); goto leave  /* held_locks::holds: due can wait */
#if STORES_FAIL > 0
        :: !usable(first) && is_kept(p, first) -> give(p, unstored[home(p)]); goto leave
        :: !usable(first) && !is_kept(p, first) && may_forbid(old_failure) -> goto leave
#endif
        :: else
        fi
    };

had:
    /* under_lock::refresh, on the worker, which owns the lock from here on: what others did last counts first. The
     * worker tells the outcome to a caller that waits. */
#ifndef MUTANT_NO_RECHECK
    atomic {
        readable;
        raced[p] = false;
        document = token_at(path);
#ifdef MUTANT_UNSTORED_READ_ONCE
        document_failure = failure_in(path);
#else
        document_failure = failure_for(p);
#endif
#if STORES_FAIL > 0
#ifdef MUTANT_MEMORY_OVER_NEWER
#define is_kept_beside(value) (unstored[home(p)] != NO_TOKEN)
#else
#define is_kept_beside(value) is_kept(p, value)
#endif
        /* A token that could not be stored is stored before anything is asked for. */
        if
        :: due && is_kept_beside(document) && may_permit(document_failure) ->
#ifndef MUTANT_RETRY_ASKS_AGAIN
            in_hand = unstored[home(p)];
#endif
            goto stage
        :: due && is_kept_beside(document) && may_forbid(document_failure) ->
            if
            :: gone -> goto let_go
            :: else -> goto due_returns
            fi
#ifndef MUTANT_UNSTORED_READ_ONCE
        :: !due && is_kept(p, document) ->      /* it goes into the file with the next call */
            if
            :: gone -> goto let_go
            :: else -> give(p, unstored[home(p)]); refresh_ends
            fi
#endif
        :: else
        fi;
#endif
        if
        :: gone && usable(document) && !(due && is_due(document)) -> goto let_go
        :: gone && due && may_forbid(document_failure) -> goto let_go       /* too soon */
        :: !gone && due && usable(document) && !is_due(document) -> give(p, document); goto let_go
        :: !gone && due && may_forbid(document_failure) -> goto due_returns /* too soon */
        :: due && may_permit(document_failure) && !(usable(document) && !is_due(document))
        :: !gone && !due && usable(document) ->
            look_at_clock();
            give(p, document);
            refresh_ends
        :: !due && !usable(document) && document_failure != 0 && document_failure != old_failure ->
            refresh_ends
        :: !due && !usable(document) && !(document_failure != 0 && document_failure != old_failure)
        fi
    };
#else
    document = first;
#endif

stage:
    /* PendingWrite::stage: the sweep, and a temp file that is empty as yet. Unless replacements are
     * locked from their making, a sweep takes not only those of the dead. */
    atomic {
        true;
        d_step {
            for (n : 0 .. PROCESSES - 1) {
                if
#ifndef STAGED_UNLOCKED
                :: staged[n] != 0 && file[staged[n]].lock != 0
#endif
#if defined(LEFTOVER_SPARED) && !defined(MUTANT_LEFTOVER_SWEPT_BEFORE)
                :: staged[n] != 0 && file[staged[n]].lock == 0
#endif
                :: else -> staged[n] = 0
                fi
            }
            n = 0;
            reap();
#ifndef IN_PLACE
            make(staged[p]);
            file[staged[p]].torn = TORN_BY_US;
            description[BESIDE(p)].inode = staged[p];
#ifndef STAGED_UNLOCKED
            file[staged[p]].lock = BESIDE(p) + 1;
#endif
#ifndef MUTANT_CHILD_KEEPS_REPLACEMENT
            description[BESIDE(p)].registered = true
#endif
#endif
        };
        if
        :: in_hand != 0 -> minted = in_hand; in_hand = 0; goto store
        :: else
        fi
    };

    /* Refresh::run: the fetch begins. */
    d_step {
        begin_work(p);
        asked++;
        minted = asked;
#ifdef CLASSIC
        asking[p] = true;
#endif
#if STORES_FAIL > 0
        I6_no_fetch_before_retry_at =
            (raced[p] || displaced[p] || (known <= passed && known_to[home(p)] <= passed));
        assert(I6_no_fetch_before_retry_at);
#endif
        I3_no_fetch_when_there_is_a_newer_token =
            (raced[p] || displaced[p] || !is_valid(file[path].token) ||
             file[path].token <= first ||
             file[path].token == rejected);
        assert(I3_no_fetch_when_there_is_a_newer_token)
#if STORES_FAIL > 0
        ;
        I3_no_fetch_when_there_is_a_newer_token =
            (raced[p] || displaced[p] || !is_kept(p, file[path].token));
        assert(I3_no_fetch_when_there_is_a_newer_token)
#endif
    };
    /* ... and ends. */
answer:
    atomic {
        if
        :: !gone && !within && WAIT_OVER ->
            /* The caller gives up: Error::Lock, or in the due window the token that it came with. */
            look_at_clock();
            if
            :: due && is_live(first) -> give(p, first)
            :: else
            fi;
            gone = true;
#ifdef MUTANT_LOCK_WITH_CALLER
            unlock(LOCK(p));
#endif
            goto answer
        :: true -> at_work[p] = within
        :: failures < FAILURES -> failures++; minted = NO_TOKEN; at_work[p] = within
#ifdef CLASSIC
            ;
            asking[p] = false
#endif
        fi
    };

store:
    /* Refresh::changed_since: first the content, then the file. A failure record is stored on the
     * same condition, for it brings the document back that was read before the fetch. */
    atomic {
        raced[p] = false;
#ifdef MUTANT_STORE_WITHOUT_LOOK
        goto write;
#endif
        readable;
        if
#ifdef MUTANT_RECORD_WITHOUT_LOOK
        :: minted == NO_TOKEN
#endif
        :: is_valid(token_at(path)) && token_at(path) != document -> goto disturbed
        :: else
        fi
    };
    atomic {
        if
        :: path == description[LOCK(p)].inode
        :: else -> goto disturbed
        fi
    };

write:
#ifndef IN_PLACE
    /* Filled::commit. What is written, and locked, before the rename has no name that others use:
     * it is one step with the rename. */
    atomic {
        if
        :: staged[p] == description[BESIDE(p)].inode ->
            d_step {
#ifndef MUTANT_RENAME_BEFORE_WRITE
                fill(BESIDE(p));
#endif
#ifdef MUTANT_SUCCESSOR_UNLOCKED
                unlock(BESIDE(p));
#else
                file[staged[p]].lock = BESIDE(p) + 1;   /* Successor::make */
#endif
                overwrite(p);
                if
                :: displaced[p] && path != description[LOCK(p)].inode ->
                    /* It follows from what the legacy program did since the last look. */
                    displace_holders()
                :: else
                fi;
                path = staged[p];
                staged[p] = 0;
#ifdef LEFTOVER_SPARED
                for (n : 0 .. PROCESSES - 1) {
                    if
                    :: minted != NO_TOKEN && is_leftover(n) -> staged[n] = 0
                    :: else
                    fi
                }
                n = 0;
#endif
                reap()
            }
        :: may_fail || staged[p] != description[BESIDE(p)].inode ->
            /* An error of the content or of the rename, or a replacement that was swept away by whoever
             * holds the lock of another file: in place, if that is still the file. */
#if STORES_FAIL > 0
            stores_left--;
#endif
            d_step { drop_replacement(p); reap() };
            if
            :: path == description[LOCK(p)].inode -> goto in_place
            :: else -> goto disturbed
            fi
        fi
    };
#ifdef MUTANT_RENAME_BEFORE_WRITE
    d_step { fill(BESIDE(p)) };
#endif
    /* TokenLock::move_to: the lock goes on with the new file. */
    d_step {
        unlock(LOCK(p));
        close(LOCK(p));
        description[LOCK(p)].inode = description[BESIDE(p)].inode;
        description[LOCK(p)].copy = description[BESIDE(p)].copy;
        description[LOCK(p)].registered = true;
        if
        :: file[description[LOCK(p)].inode].lock == BESIDE(p) + 1 ->
            file[description[LOCK(p)].inode].lock = LOCK(p) + 1
        :: else
        fi;
        description[BESIDE(p)].inode = 0;
        description[BESIDE(p)].registered = false;
        description[BESIDE(p)].copy = false;
        reap()
    };
    goto stored;
#endif

in_place:
    /* write_in_place: one pwrite(2). */
    atomic {
        true;
#if STORES_FAIL > 0
        if
        :: true
#ifdef IN_PLACE
        :: stores_left > 0 -> stores_left--; goto not_stored
#else
        :: goto not_stored
#endif
        fi;
#endif
        file[description[LOCK(p)].inode].being_written = true;
        if
        :: path == description[LOCK(p)].inode -> overwrite(p)
        :: else
        fi
#ifdef MUTANT_TWO_WRITES
        ;
        file[description[LOCK(p)].inode].being_written = false;
        file[description[LOCK(p)].inode].torn = TORN_BY_US;
        file[description[LOCK(p)].inode].token = NO_TOKEN
#endif
    };
    d_step { fill(LOCK(p)) };

stored:
    /* Outcome::Obtained, or the failure that is now on record. */
    atomic {
#if STORES_FAIL > 0
        if
        :: minted != NO_TOKEN -> unstored[home(p)] = NO_TOKEN
        :: else
        fi;
        own_failure[home(p)] = 0;
#endif
        if
        :: gone
        :: !gone && minted != 0 -> give(p, minted)
        :: !gone && minted == 0 && due -> goto due_returns
        :: else
        fi;
        refresh_ends
    };

#if STORES_FAIL > 0
not_stored:
    /* The file is as it was. */
    atomic {
        true;
#ifdef MUTANT_WRITE_STOPS_HALF_WAY
        file[description[LOCK(p)].inode].token = NO_TOKEN;
        file[description[LOCK(p)].inode].torn = TORN_BY_US;
#endif
        I7_the_file_is_whole = (raced[p] || displaced[p] || (file[path].torn != TORN_BY_US &&
            (file[path].token == document || !is_valid(file[path].token))));
        assert(I7_the_file_is_whole);
        if
        :: path == description[LOCK(p)].inode
        :: else -> goto disturbed
        fi
    };
    /* Refresh::keep_unstored, commit_failure: a record for the others, in place; else in an attribute; else in the
     * process alone. The failure of a fetch whose record could not be stored is left in the same way. */
    atomic {
        if
        :: true ->
            file[description[LOCK(p)].inode].being_written = true;
            I9_no_older_fetch_over_a_newer = (raced[p] || displaced[p] ||
                !is_valid(file[path].token) || document >= file[path].token);
            assert(I9_no_older_fetch_over_a_newer)
        :: true -> goto no_room
        fi
    };
    d_step {
        file[description[LOCK(p)].inode].token = document;
#ifndef MUTANT_NO_RECORD_OF_FAILED_STORE
        file[description[LOCK(p)].inode].failure = newest_failure;
#endif
        file[description[LOCK(p)].inode].attribute = 0;
        file[description[LOCK(p)].inode].torn = WHOLE;
        file[description[LOCK(p)].inode].being_written = false;
        own_failure[home(p)] = 0;
        tell_others(p)
    };
    goto recorded;
no_room:
    atomic {
        if
        :: true ->
#ifndef MUTANT_NO_RECORD_OF_FAILED_STORE
            file[description[LOCK(p)].inode].attribute = newest_failure;
#endif
            own_failure[home(p)] = 0;
            tell_others(p)
        :: true ->
#ifndef MUTANT_NO_RECORD_OF_FAILED_STORE
            own_failure[home(p)] = newest_failure;
#endif
            known_to[home(p)] = newest_failure
        fi
    };
recorded:
    /* ... and the token for its own process and its caller. */
    atomic {
        if
        :: minted == NO_TOKEN -> goto failed
        :: else ->
            unstored[home(p)] = minted;
            stood[home(p)] = document;
#ifdef LATER_RECORD_WINS
            left_with[home(p)] = newest_failure;
#endif
            owed = (gone -> NO_TOKEN : minted)
        fi;
        if
        :: gone
#ifndef MUTANT_WITHHOLD_UNSTORED
        :: !gone -> give(p, minted)
#else
        :: !gone -> goto failed
#endif
        fi;
        refresh_ends
    };
#endif

due_returns:
    /* The refresh failed or was displaced, and its caller has waited for it: is the token that it came
     * with still valid? */
    atomic {
#ifndef MUTANT_DUE_NOT_JUDGED_AGAIN
        look_at_clock();
        if
        :: is_live(first) -> give(p, first)
        :: else                                 /* on to waiter::obtain: the failure, at once */
        fi
#else
        look_at_clock();
        give(p, first)
#endif
    };
    goto let_go;

failed:
    /* A failure that could not be recorded. Others learn of it by asking. */
    if
    :: due && !gone -> goto due_returns
    :: else -> refresh_ends
    fi;

disturbed:
    /* Outcome::Displaced. */
    atomic {
        true;
        if
        :: within                               /* PHP code holds on to its lock */
        :: else -> drop_lock(p)
        fi;
        drop_replacement(p);
        reap()
    };
    atomic {
        if
        :: gone -> return
        :: !gone && due -> goto due_returns
        :: !gone && !due && minted == NO_TOKEN -> refresh_ends
#ifndef MUTANT_WITHIN_TRIES_AGAIN
        :: !gone && !due && within && minted != NO_TOKEN -> give(p, minted); goto leave
#else
        :: !gone && !due && within && minted != NO_TOKEN ->
            I5_every_wait_is_bounded = !tried;
            assert(I5_every_wait_is_bounded);
            tried = true; in_hand = minted; minted = NO_TOKEN;
            goto had
#endif
        :: !gone && !due && !within && minted != NO_TOKEN ->
            in_hand = minted;
            minted = NO_TOKEN;
            goto attempt
        fi
    };

leave:
    true;                                       /* PHP code goes on for as long as it likes */
let_go:
    atomic {
        true;
        d_step { drop_lock(p); drop_replacement(p); reap() };
        return
    }
    } unless { dead[p] };

    atomic { end_of_call() };
over:
#if AGAIN > 0
    if
    :: atomic { again_left > 0 && !dead[p] -> again_left-- }; goto next_call
    :: done++
    fi
#else
    skip
#endif
}

/* ---- The world ---- */

/* close(2) of all descriptors by the kernel. Temp files stay until somebody sweeps. A pwrite(2) that has
 * begun is finished first: it is one page. */
#define is_locking(p) (!dead[p] && description[LOCK(p)].inode != 0)
#define can_be_killed(p) (is_locking(p) && !file[description[LOCK(p)].inode].being_written)

proctype Killer() {
    byte p;
    byte n;

end:
    do
    :: atomic {
            if
            :: crashes_left > 0 && can_be_killed(0) -> p = 0
            :: crashes_left > 0 && can_be_killed(1) -> p = 1
            :: crashes_left > 0 && can_be_killed(2) -> p = 2
            fi;
            d_step {
                crashes_left--;
                dead[p] = true;
                close(LOCK(p));
                close(BESIDE(p));
                confirmed[p] = false; displaced[p] = false; raced[p] = false; at_work[p] = false;
#ifdef CLASSIC
                cut_off = (cut_off || asking[p]);
                asking[p] = false;
#endif
                reap();
                I7_the_file_is_whole = (file[path].torn != TORN_BY_US);
                assert(I7_the_file_is_whole);
                p = 0
            }
        }
    od
}

/* fork(2) while a lock is held or asked for, with the handlers of process.rs: no lock comes or goes
 * meanwhile, and the child closes what is registered. */
proctype Forker() {
    byte p;
    byte n;

end:
    do
    :: atomic {
            if
            :: forks_left > 0 && is_locking(0) -> p = 0
            :: forks_left > 0 && is_locking(1) -> p = 1
            :: forks_left > 0 && is_locking(2) -> p = 2
            fi;
            d_step {
                forks_left--;
                parent = p;
                for (n : LOCK(p) .. BESIDE(p)) {
                    if
#ifdef MUTANT_CHILD_KEEPS_LOCK
                    :: description[n].inode != 0 -> description[n].copy = true
#else
                    :: description[n].inode != 0 && !description[n].registered ->
                        description[n].copy = true
#endif
#ifdef MUTANT_CHILD_UNLOCKS
                    :: description[n].inode != 0 && description[n].registered -> unlock(n)
#endif
                    :: else
                    fi
                }
                n = 0;
#if STORES_FAIL > 0
                /* Its memory is a copy of its parent's. */
                unstored[CHILD] = unstored[home(p)];
                stood[CHILD] = stood[home(p)];
                own_failure[CHILD] = own_failure[home(p)];
#ifdef LATER_RECORD_WINS
                left_with[CHILD] = left_with[home(p)];
#endif
                known_to[CHILD] = known_to[home(p)];
#endif
                p = 0
            }
        }
    od
}

/* A due token expires, one that was killed dies, and a failure may be tried again. */
proctype Time() {
end:
    do
    :: TICKS > 0 && !expired -> expired = true
#ifdef CLASSIC
    :: cut_off && !killed -> killed = true
#endif
#if STORES_FAIL > 0
    :: passed < newest_failure -> passed++
#endif
    od
}

#ifdef LEGACY
/* Whoever holds a lock no longer knows what is in the file. */
inline tell_holders() {
    for (n : 0 .. PROCESSES - 1) { raced[n] = confirmed[n] }
    n = 0
#if STORES_FAIL > 0
    ;
    known = 0                   /* no record is sure to be left */
#ifdef LATER_RECORD_WINS
    ;
    known_lost = 0
#endif
#endif
}

/* A program that knows of no lock. It may break what it likes; what counts is what the extension makes
 * of it. It stores a token that it has asked for, or something of no use (the upstream's refusal), and
 * may stop at any step. */
proctype Legacy() {
    byte token;
    byte n;

end:
    if
    :: d_step { asked++; token = asked }
    :: token = NO_TOKEN
    fi;
    if
    :: /* fopen("w"), fwrite(): torn in between. */
        d_step {
            legacy_file = path;
            file[legacy_file].token = NO_TOKEN;
            file[legacy_file].failure = 0;
            file[legacy_file].torn = TORN_BY_LEGACY;
            tell_holders()
        };
end_torn:
        d_step {
            file[legacy_file].token = token;
            file[legacy_file].torn = WHOLE;
            legacy_file = 0;
            tell_holders();
            reap()
        }
    :: /* A file of its own, renamed. */
        d_step {
            make(legacy_file);
            file[legacy_file].token = token;
            path = legacy_file;
            legacy_file = 0;
            displace_holders();
            reap()
        }
    fi;
    token = NO_TOKEN
}
#endif

init {
    byte n;

    atomic {
        file[path].token = T0;
        if
        :: expired = true
        :: expired = false
        fi;
        run Process(0);
        if :: CALLERS > 1 -> run Process(1) :: else fi;
        if :: CALLERS > 2 -> run Process(2) :: else fi;
        if :: FORKS > 0 -> run Process(CHILD) :: else fi;
        if :: CRASHES > 0 -> run Killer() :: else fi;
        if :: FORKS > 0 -> run Forker() :: else fi;
        if :: TIME > 0 -> run Time() :: else fi
#ifdef LEGACY
        ;
        run Legacy()
#endif
    };

    /* When all have ended: no lock, and a file that only a program without a lock may have torn. */
    atomic {
        done == CALLERS + (parent != PROCESSES -> 1 : 0);
        for (n : 1 .. FILES) {
            I7_no_lock_stays = (I7_no_lock_stays && file[n].lock == 0)
        }
        assert(I7_no_lock_stays);
        I7_the_file_is_whole = (file[path].torn != TORN_BY_US);
        assert(I7_the_file_is_whole)
    }
}
