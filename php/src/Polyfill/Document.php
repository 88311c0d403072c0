<?php

namespace WxToken\Polyfill;

/**
 * The content of a token file: which format it has, what is in it, and how a write changes it. Only token, expiry and
 * refresh state change, at the places where they stand. A file that its content does not tell is refused.
 */
final class Document
{
    /** Blank bytes around a content. */
    private const BLANK = "\0 \t\r\n\f";

    /** @var string */
    private $kind;
    /** @var string The name of the file. */
    private $name;
    /** @var int When it was written. */
    private $written;
    /** @var Found */
    private $found;
    /** @var Token|null The token, if there is a usable one, valid or expired. */
    public $token;
    /** @var RefreshState */
    public $state;

    private function __construct(string $kind, string $name, int $written, Found $found)
    {
        $this->kind = $kind;
        $this->name = $name;
        $this->written = $written;
        $this->found = $found;
        $this->state = $found->state ?? new RefreshState();
        $this->token = $found->token === null ? null : $this->state->token($found->token, $found->expiry);
    }

    public function __debugInfo(): array
    {
        return [];
    }

    public static function missing(string $kind, ?Layout $layout, string $name): self
    {
        $layout = $layout ?? Layout::ofNew($name);
        return new self($kind, $name, 0, new Found($layout, $layout->prefix()));
    }

    /** @throws Refusal */
    public static function parse(string $bytes, string $kind, ?Layout $layout, string $name, int $written): self
    {
        return new self($kind, $name, $written, self::recognize($bytes, $kind, $layout, $layout ?? Layout::ofNew($name), $written));
    }

    /** What the layout is called; null while there is none. */
    public function layoutName(): ?string
    {
        if ($this->found->file !== null) {
            return $this->found->file->layoutName();
        }
        return $this->token === null ? null : $this->found->layout->name();
    }

    /** Whether what stands before the token ends a web server that runs the file as PHP code. */
    public function isGuarded(): bool
    {
        return $this->found->file === null ? $this->found->layout->prefix() !== '' : $this->found->file->isGuarded();
    }

    public function isDamaged(): bool
    {
        return $this->found->isDamaged;
    }

    /** Whether the content has room for a failure record. */
    public function hasRoom(): bool
    {
        return $this->found->layout->hasRoom();
    }

    /** Whether a file of this layout can hold `$token`, so that it is read back, and never runs as code. */
    public function canHold(string $token): bool
    {
        if ($this->found->layout->format === Layout::SERIALIZED) {
            return strpos($token, '<') === false;
        }
        return $this->hasRoom() || TextFile::isAlone($token);
    }

    /** The file with `$token`, which was asked for at `$askedAt`, written now, and without a failure record. */
    public function withToken(Token $token, int $askedAt, ?int $notBefore): Content
    {
        $now = Clock::now();
        $state = new RefreshState();
        $state->notBefore = $notBefore;
        if (Clock::add($token->expiry, -$now) > Token::MAX_FOREIGN_LIFE || $this->countsFromModification()) {
            $state = $state->withExpiry($token);
        }
        return $this->written($token, new Moments($token->expiry, $askedAt, $now), $state);
    }

    /** The file with an earlier expiry of its own token, that of `$token`; all else stays. */
    public function withExpiry(Token $token): Content
    {
        $now = Clock::now();
        $state = $this->state->expiry !== null || $this->countsFromModification() ? $this->state->withExpiry($token) : $this->state;
        return $this->written($token, new Moments($token->expiry, $now, $now), $state);
    }

    /** The file with `$record` in place of the last failure; null if the content has no room for it. */
    public function withFailure(FailureRecord $record): ?Content
    {
        $state = clone $this->state;
        $state->failure = $record;
        $state->notBefore = null;
        return $this->hasRoom() ? $this->written(null, null, $state) : null;
    }

    private function keyed(): ?Keyed
    {
        if ($this->found->file !== null) {
            return $this->found->file;
        }
        $layout = $this->found->layout;
        if ($layout->isJson()) {
            return JsonFile::fresh($this->kind, $layout, $this->found->prefix);
        }
        return $layout->format === Layout::SERIALIZED ? SerializedFile::fresh($this->name) : null;
    }

    private function countsFromModification(): bool
    {
        $keyed = $this->keyed();
        return $keyed === null ? $this->found->layout->format === Layout::PLAIN : $keyed->countsFromModification();
    }

    private function written(?Token $token, ?Moments $moments, RefreshState $state): Content
    {
        $keyed = $this->keyed();
        $content = $keyed === null
            ? TextFile::write($this->found->layout, $token, $moments)
            : $keyed->write($token, $moments, $moments === null ? $this->written : $moments->written, $this->hasRoom() ? $state->toJson() : null);
        $content->bytes .= $this->found->suffix;
        return $content;
    }

    /** @throws Refusal */
    private static function recognize(string $bytes, string $kind, ?Layout $layout, Layout $new, int $written): Found
    {
        $withoutMark = strncmp($bytes, "\xEF\xBB\xBF", 3) === 0 ? (string) substr($bytes, 3) : $bytes;
        $trimmed = trim($withoutMark, self::BLANK);
        if ($trimmed === '') {
            $found = new Found($new, $new->prefix());
            $found->isDamaged = $bytes !== '';
            return $found;
        }
        $nothing = self::nothing($trimmed);
        if ($nothing !== false) {
            return self::withState(new Found($new, $new->prefix()), $nothing);
        }
        $plain = self::asText($trimmed);
        $text = self::asText($bytes);
        if ($plain === null || $text === null) {
            throw UnknownFile::notUtf8($bytes);
        }
        $suffix = substr($text, (int) strpos($text, $plain) + strlen($plain));
        [$guard, $content] = Guard::split($text);
        $behindGuard = trim($content, self::BLANK);
        $isTornGuard = Guard::isTorn($plain);
        $guard = $isTornGuard ? Guard::CODE : $guard;
        if ($guard !== '') {
            // Where a layout has no room for a guard, an empty one is nothing to keep.
            $hasRoom = $layout === null || $layout->isJson();
            $guarded = $layout === null ? Layout::guarded() : $new;
            if ($isTornGuard || $behindGuard === '') {
                return Found::truncated($guarded, $hasRoom ? $guard : '');
            }
            $nothing = self::nothing($behindGuard);
            if ($nothing !== false) {
                return self::withState(new Found($guarded, $hasRoom ? $guard : ''), $nothing);
            }
        }
        if ($layout !== null && $layout->format === Layout::PLAIN) {
            $found = TextFile::readPlain($plain, $written);
            $found->suffix = $suffix;
            return $found;
        }
        if ($guard !== '' || $trimmed[0] === '{') {
            if ($guard !== '' && $behindGuard[0] !== '{') {
                throw UnknownFile::behindGuard(trim($content));
            }
            $gap = strcspn($content, '{');
            $isNamed = $layout !== null && $layout->isJson();
            $new = $guard === '' || $isNamed ? $new : Layout::guarded();
            return JsonFile::read($guard . substr($content, 0, $gap), substr($content, $gap), $new, $kind, $layout, $written);
        }
        if (UnknownFile::isSerializedArray($bytes)) {
            return SerializedFile::read($text, $kind);
        }
        $found = TextFile::readCsv($plain, $layout);
        if ($found === null) {
            throw UnknownFile::describe($plain);
        }
        $found->suffix = $suffix;
        return $found;
    }

    /** `$bytes` as text, without a character at the end that is torn; null if they are none. */
    private static function asText(string $bytes): ?string
    {
        for ($torn = 0; $torn < 4 && $torn < strlen($bytes); $torn++) {
            $text = substr($bytes, 0, strlen($bytes) - $torn);
            if (preg_match('//u', $text) === 1) {
                $rest = (string) substr($bytes, strlen($text));
                return $rest === '' || preg_match('/^(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})$/D', $rest) === 1 ? $text : null;
            }
        }
        return null;
    }

    /**
     * The refresh state of a file with nothing else to lose: what `json_encode()` makes of a failed fetch, WeChat's
     * error, and what wx_token leaves of a fetch that failed in a new file. False if there is more.
     */
    private static function nothing(string $trimmed)
    {
        return in_array($trimmed, ['null', 'false', '[]', '{}', '""', '0'], true) ? null : JsonFile::stateAlone($trimmed);
    }

    private static function withState(Found $found, ?RefreshState $state): Found
    {
        $found->state = $state;
        return $found;
    }
}
