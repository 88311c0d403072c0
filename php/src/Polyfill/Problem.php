<?php

namespace WxToken\Polyfill;

/**
 * Why a call ends without a result. It becomes an exception of PHP's or of wx_token's where the call left PHP
 * code: frames from in here, whose arguments may hold a secret, are no part of its trace.
 */
final class Problem extends \Exception
{
    /** @var string */
    private $class;

    /** @var array<string, mixed> Properties of the exception. */
    private $properties;

    /** @var array<string, mixed>|null The members of an event that ends with it, if these are not its message alone. */
    private $event;

    /** @var bool Whether a wait for a lock has ended with it. */
    public $isTimeout = false;

    private function __construct(string $class, string $message, int $code, array $properties)
    {
        parent::__construct($message, $code);
        $this->class = $class;
        $this->properties = $properties;
    }

    public static function api(string $file, string $message, int $errcode, string $errmsg, int $retryAt): self
    {
        return new self(\WxToken\ApiException::class, $message, $errcode, ['tokenFile' => $file, 'errmsg' => $errmsg, 'retryAt' => $retryAt]);
    }

    public static function network(string $file, string $message, int $retryAt): self
    {
        return new self(\WxToken\NetworkException::class, $message, 0, ['tokenFile' => $file, 'retryAt' => $retryAt]);
    }

    public static function lock(string $file, string $why, ?int $holderPid): self
    {
        $message = 'cannot lock ' . Printable::text($file) . ": $why";
        return new self(\WxToken\LockException::class, $message, 0, ['tokenFile' => $file, 'holderPid' => $holderPid]);
    }

    public static function file(string $file, string $message): self
    {
        return new self(\WxToken\FileException::class, $message, 0, ['tokenFile' => $file]);
    }

    public static function config(string $message): self
    {
        return new self(\WxToken\ConfigException::class, Printable::text($message), 0, []);
    }

    /** An argument, which `$what` names as in "Argument #1 ($file)", has a bad value. */
    public static function value(string $what, string $message): self
    {
        return new self('ValueError', "$what $message", 0, []);
    }

    public static function type(string $what, string $message): self
    {
        return new self('TypeError', "$what $message", 0, []);
    }

    /** The same, whose event has these members. */
    public function withEvent(array $event): self
    {
        $this->event = $event;
        return $this;
    }

    /** @return array<string, mixed> The members of an event that ends with it. */
    public function toEvent(): array
    {
        return $this->event ?? ['message' => Log::message($this->getMessage())];
    }

    public function holderPid(): ?int
    {
        return $this->properties['holderPid'] ?? null;
    }

    /** What the caller of `$function` gets, whose first file is `$file`, instead of `$thrown`. */
    public static function leaving(\Throwable $thrown, string $function, string $file): \Throwable
    {
        return Trace::ofOutside($thrown instanceof self ? $thrown->asThrowable($function, $file) : $thrown, $function);
    }

    private function asThrowable(string $function, string $file): \Throwable
    {
        $class = $this->class;
        if ($class === 'ValueError' && !class_exists($class)) {
            require_once dirname(__DIR__, 2) . '/value_error.php';
        }
        if ($class === 'ValueError' || $class === 'TypeError') {
            return new $class("$function(): " . $this->getMessage());
        }
        $throwable = new $class($this->getMessage(), $this->getCode());
        foreach ($this->properties + ['tokenFile' => Path::absolute($file)] as $name => $value) {
            $throwable->$name = $value;
        }
        return $throwable;
    }
}
