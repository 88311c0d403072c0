<?php

namespace WxToken\Command;

/** What the lines of a log say of one file, added up as they come. */
final class History
{
    /** Events after which the file has a token of ours. */
    private const STORING = ['refreshed', 'adopted', 'stored'];

    /** Events from which on there is a valid token; where it could not be stored, the process has it. */
    private const VALID = ['refreshed', 'adopted', 'stored', 'not_stored'];

    /** The longest call without a measured wait, in seconds. */
    private const LONGEST_CALL = 60.0;

    /** So many tokens of ours are remembered. */
    private const REMEMBERED = 1000;

    /** How far before a time the log tells whose token the file had then, in seconds: no token lives longer. */
    public const BEFORE = 86400;

    /** @var array<string, int> */
    public $events;
    /** @var int */
    public $foreign = 0;
    /** @var bool Whether the line that was added last tells of another writer. */
    public $isForeign = false;
    /** @var float|null When another program was last seen to write the file. */
    public $lastForeign;
    /** @var string|null Its fingerprint. */
    private $lastForeignToken;
    /** @var LogLine|null The last one that told of a displaced token, until its process logs anything else. */
    private $displaced;
    /** @var bool Whether the file had a token of ours before. */
    private $isOurs = false;
    /** @var array<string, true> Fingerprints of our tokens. */
    private $ours = [];
    /** @var array<string, int> Events, by host. */
    public $hosts = [];
    /** @var array<string, int> Refreshes, by script. */
    public $scripts = [];
    /** @var array<string, int> Failures, by errcode or message. */
    public $failures = [];
    /** @var int */
    public $longestFetch = 0;
    /** @var int */
    public $longestWait = 0;
    /** @var int Milliseconds of all fetches. */
    private $fetchTime = 0;
    /** @var int */
    private $fetches = 0;
    /** @var float Seconds without a valid token. */
    public $gaps = 0.0;
    /** @var float|null */
    private $expiry;

    public function __construct()
    {
        $this->events = array_fill_keys(LogLine::EVENTS, 0);
    }

    /** Takes a line in, and returns for how many seconds there was no valid token before it. */
    public function add(LogLine $line): float
    {
        $this->events[$line->event]++;
        if ($line->text('host') !== '') {
            $this->count($this->hosts, $line->text('host'));
        }
        $this->isForeign = $line->event === 'displaced' || $this->tellsOfAnother($line);
        if ($this->isForeign) {
            // Until it is replaced, each event tells of the same token.
            $token = $line->event === 'displaced' ? '' : $line->text('old');
            $isKnown = ($token !== '' && $token === $this->lastForeignToken) || $this->isOfSameCall($line);
            $this->foreign += $isKnown ? 0 : 1;
            [$this->lastForeign, $this->lastForeignToken] = [$line->at, $token];
        }
        $this->remember($line);
        $fetch = $line->number('fetch_ms');
        if ($fetch !== null && $line->event !== 'waited') {
            $this->fetches++;
            $this->fetchTime += $fetch;
            $this->longestFetch = max($this->longestFetch, $fetch);
        }
        $this->longestWait = max($this->longestWait, $line->number('waited_ms') ?? 0);
        if ($line->event === 'failed') {
            $this->count($this->failures, $line->number('errcode') === null ? $line->text('message') : "errcode {$line->number('errcode')}");
        }
        if (!in_array($line->event, self::VALID, true)) {
            return 0.0;
        }
        if ($line->event === 'refreshed') {
            $this->count($this->scripts, $line->text('script') === '' ? $line->text('sapi') : $line->text('script'));
        }
        $gap = $this->expiry === null ? 0.0 : max(0.0, $line->at - $this->expiry);
        $this->gaps += $gap;
        $this->expiry = $line->time('expires_at') ?? $this->expiry;
        return $gap;
    }

    /** Takes in a line from before the time that is looked at: whose tokens the file had until then. */
    public function remember(LogLine $line): void
    {
        $this->isOurs = $this->isOurs || in_array($line->event, self::STORING, true);
        if ($line->text('new') !== '') {
            unset($this->ours[$line->text('new')]);
            $this->ours[$line->text('new')] = true;
            reset($this->ours);
            if (count($this->ours) > self::REMEMBERED) {
                unset($this->ours[key($this->ours)]);
            }
        }
        if ($line->event === 'displaced') {
            $this->displaced = $line;
        } elseif ($this->displaced !== null && self::process($line) === self::process($this->displaced)) {
            $this->displaced = null;
        }
    }

    /** Whether another program wrote the old token. What was there before the first of ours is a migration. */
    private function tellsOfAnother(LogLine $line): bool
    {
        // A token of ours is foreign to a process that has no records of it: a loader's, or one with the polyfill.
        return $line->isForeign && $this->isOurs && !isset($this->ours[$line->text('old')]);
    }

    /** Whether the call had its token displaced before, and so told of this writer. */
    private function isOfSameCall(LogLine $line): bool
    {
        if ($line->event === 'displaced' || $this->displaced === null || self::process($line) !== self::process($this->displaced)) {
            return false;
        }
        $waited = $line->number('waited_ms');
        return $line->at - $this->displaced->at <= ($waited === null ? self::LONGEST_CALL : $waited / 1000 + 0.1);
    }

    private static function process(LogLine $line): string
    {
        return $line->text('host') . ' ' . $line->number('pid');
    }

    public function averageFetch(): ?int
    {
        return $this->fetches === 0 ? null : intdiv($this->fetchTime, $this->fetches);
    }

    /** Counts by a name from outside: so many names, and no more, are kept. */
    private function count(array &$counts, string $name): void
    {
        $name = Text::clean($name, 200);
        if (isset($counts[$name]) || count($counts) < 50) {
            $counts[$name] = ($counts[$name] ?? 0) + 1;
        }
    }

    public function toArray(): array
    {
        return [
            'events' => $this->events, 'failures' => (object) $this->failures, 'scripts' => (object) $this->scripts,
            'hosts' => (object) $this->hosts, 'foreign' => $this->foreign, 'average_fetch_ms' => $this->averageFetch(), 'longest_fetch_ms' => $this->longestFetch,
            'longest_wait_ms' => $this->longestWait, 'without_token_s' => round($this->gaps, 3),
        ];
    }
}
