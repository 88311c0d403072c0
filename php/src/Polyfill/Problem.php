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

    /** The exception that the caller of `$function` gets, whose first file is `$file`. */
    public function asThrowable(string $function, string $file): \Throwable
    {
        $class = $this->class;
        $isArgument = $class === 'ValueError' || $class === 'TypeError';
        if ($isArgument) {
            if ($class === 'ValueError' && !class_exists($class)) {
                require_once __DIR__ . '/value_error.php';
            }
            $throwable = new $class("$function(): " . $this->getMessage());
        } else {
            $throwable = new $class($this->getMessage(), $this->getCode());
            $properties = $this->properties + ['tokenFile' => Path::absolute($file)];
            foreach ($properties as $name => $value) {
                $throwable->$name = $value;
            }
        }
        return self::seenFromOutside($throwable, $function);
    }

    /** `$throwable` with file, line and trace of the call of `$function`. */
    private static function seenFromOutside(\Throwable $throwable, string $function): \Throwable
    {
        $trace = $throwable->getTrace();
        while ($trace !== [] && $trace[0]['function'] !== $function) {
            array_shift($trace);
        }
        if ($trace === []) {
            return $throwable;
        }
        // Before PHP 8.2, nothing hides an argument from a trace.
        if (isset($trace[0]['args']) && !class_exists('SensitiveParameterValue', false)) {
            $trace[0]['args'] = array_slice($trace[0]['args'], 0, 1);
        }
        $base = $throwable instanceof \Error ? \Error::class : \Exception::class;
        $values = ['file' => $trace[0]['file'] ?? $throwable->getFile(), 'line' => $trace[0]['line'] ?? $throwable->getLine(), 'trace' => $trace];
        foreach ($values as $name => $value) {
            $property = new \ReflectionProperty($base, $name);
            if (PHP_VERSION_ID < 80100) {
                $property->setAccessible(true);
            }
            $property->setValue($throwable, $value);
        }
        return $throwable;
    }
}
