<?php

namespace WxToken\Polyfill;

/** The status of a token file, read without its lock and without a fetch. It contains neither token nor secret. */
final class Status
{
    public static function of(string $file, Options $options): array
    {
        $status = [
            'file' => $file, 'exists' => false, 'state' => 'unusable', 'stored' => true, 'layout' => null,
            'expires_at' => null, 'expires_in' => null, 'due_in' => null, 'failure' => null, 'locked' => false, 'holder_pid' => null,
            'refreshing' => false, 'store' => null, 'log' => Log::status(), 'exposed' => null, 'error' => null, 'implementation' => 'polyfill',
        ];
        $call = new Call($file, Kind::ANY, $options);
        try {
            $found = $call->lookUp();
        } catch (Problem $problem) {
            $status['exists'] = (bool) Quietly::run(static function () use ($file) {
                return file_exists($file);
            });
            $status['exposed'] = Exposure::find($file, true);
            $status['error'] = $problem->getMessage();
            return $status;
        }
        $version = $found->snapshot->version;
        $status['exists'] = $version !== null;
        $status['stored'] = $found->unstored === null;
        $holder = $version === null ? null : LockHolder::all($version->id())[0] ?? null;
        [$status['locked'], $status['holder_pid']] = [$holder !== null, $holder];
        // A refresh creates its temporary file before it fetches.
        $status['refreshing'] = $holder !== null && Leftovers::isStaged(Path::resolve($file));
        $status['exposed'] = Exposure::find($file, $found->document->isGuarded());
        $failure = $found->failure();
        $status = array_merge($status, self::describe($found, $call), ['failure' => self::failure($failure)]);
        if (!$status['stored'] && $failure !== null && $failure->cause === Failure::STORE) {
            $status['error'] = "only this process has the token, which could not be stored: $failure->text";
        } elseif (!$status['exists']) {
            $problem = FileProblem::missingDirectory($file);
            $status['error'] = $problem === null ? null : $problem->getMessage();
        }
        return $status;
    }

    private static function describe(Lookup $found, Call $call): array
    {
        $now = Clock::now();
        $token = $found->token();
        $status = ['layout' => $found->document->layoutName()];
        if ($token !== null) {
            $status['expires_at'] = Clock::seconds($token->expiry);
            $status['expires_in'] = $status['expires_at'] - Clock::seconds($now);
            $status['due_in'] = Clock::seconds($token->dueAt($call->refreshAhead)) - Clock::seconds($now);
        }
        if ($found->unstored === null && $found->snapshot->version === null) {
            $status['state'] = 'missing';
        } elseif ($found->unstored === null && $found->document->isDamaged()) {
            $status['state'] = 'damaged';
        } elseif ($token === null || !$token->isValid($now)) {
            $status['state'] = 'expired';
        } else {
            $status['state'] = $token->isFresh($now, $call->refreshAhead) ? 'fresh' : 'due';
        }
        return $status;
    }

    private static function failure(?FailureRecord $failure): ?array
    {
        if ($failure === null) {
            return null;
        }
        $isStillRejected = $failure->cause === Failure::STILL_REJECTED;
        return [
            'errcode' => $failure->errcode(),
            'message' => $isStillRejected ? (new Requester('', '', Errcode::TOKEN, []))->describe($failure) : Printable::text($failure->text),
            'failed_at' => Clock::seconds($failure->failedAt),
            'retry_at' => Clock::secondsUp($failure->retryAt),
            'failures' => $failure->failures,
        ];
    }
}
