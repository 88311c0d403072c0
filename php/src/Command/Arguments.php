<?php

namespace WxToken\Command;

/** The options and operands of a subcommand. */
final class Arguments
{
    /** Kinds of options. */
    public const FLAG = 'flag';
    public const VALUE = 'value';
    public const OPTIONAL_VALUE = 'optional value';

    /** What says whose token it is, and how to call; `get`, `warm` and `doctor` take these. */
    public const CALL = [
        'appid' => self::VALUE, 'corpid' => self::VALUE, 'endpoint' => self::VALUE, 'layout' => self::VALUE,
        'refresh-ahead' => self::VALUE, 'lock-timeout' => self::VALUE, 'timeout' => self::VALUE,
    ];

    /** @var array<string, string|true> */
    private $options = [];
    /** @var string[] */
    public $operands = [];

    /**
     * @param string[] $words What follows the subcommand.
     * @param array<string, string> $known The kind of each option, by name.
     *
     * @throws UsageError
     */
    public static function parse(array $words, array $known): self
    {
        $arguments = new self();
        $known += ['help' => self::FLAG];
        while ($words !== []) {
            $word = (string) array_shift($words);
            if ($word === '--') {
                $arguments->operands = array_merge($arguments->operands, $words);
                break;
            }
            if ($word === '-h') {
                $word = '--help';
            }
            if (strlen($word) < 2 || $word[0] !== '-') {
                $arguments->operands[] = $word;
                continue;
            }
            $words = $arguments->take($word, $words, $known);
        }
        return $arguments;
    }

    public function has(string $name): bool
    {
        return isset($this->options[$name]);
    }

    /** The value of an option; null if it is missing or has none. */
    public function value(string $name): ?string
    {
        $value = $this->options[$name] ?? null;
        return is_string($value) ? $value : null;
    }

    /** @throws UsageError */
    public function seconds(string $name, float $default, float $least): float
    {
        $value = $this->value($name);
        if ($value === null) {
            return $default;
        }
        if (!is_numeric($value) || (float) $value < $least || (float) $value > 86400) {
            throw new UsageError("--$name must be a number of seconds from $least to 86400");
        }
        return (float) $value;
    }

    /**
     * The files that are named.
     *
     * @return string[]
     *
     * @throws UsageError
     */
    public function files(int $least, int $most = PHP_INT_MAX): array
    {
        $count = count($this->operands);
        if ($count < $least) {
            throw new UsageError('no token file is named. Add its path');
        }
        if ($count > $most) {
            throw new UsageError('it takes one token file, and ' . $count . ' are named. Quote a path with spaces');
        }
        foreach ($this->operands as $file) {
            if ($file === '') {
                throw new UsageError('the path of a token file is empty. A variable of the shell may not be set');
            }
        }
        return $this->operands;
    }

    /** The argument `$source` of the extension's functions, or null for the account of the settings or the environment. */
    public function source(): ?array
    {
        $source = [];
        foreach (array_keys(self::CALL) as $name) {
            $value = $this->value($name);
            if ($value !== null) {
                $source[strtr($name, '-', '_')] = $value;
            }
        }
        return $source === [] ? null : $source;
    }

    /**
     * Takes an option, and its value from the words that follow if it has to have one.
     *
     * @param string[] $words
     *
     * @return string[] What is left of them.
     *
     * @throws UsageError
     */
    private function take(string $word, array $words, array $known): array
    {
        [$name, $value] = explode('=', ltrim($word, '-'), 2) + [1 => null];
        $shown = Text::clean("--$name", 60);
        // Before all else: a message must not repeat what follows.
        if (in_array(strtr($name, '_', '-'), ['secret', 'corpsecret', 'app-secret', 'appsecret', 'store-password', 'store-key'], true)) {
            throw new UsageError("$shown is not taken as an argument: every user of this machine could read it in the list of"
                . ' processes. Put it into the settings or the accounts file, or into WX_SECRET in the environment');
        }
        if (strncmp($word, '--', 2) !== 0 || !isset($known[$name])) {
            $near = Text::nearest($name, array_keys($known));
            $shown = Text::clean(explode('=', $word, 2)[0], 60);
            throw new UsageError("unknown option $shown." . ($near === null ? '' : " Did you mean --$near?"));
        }
        if ($known[$name] === self::FLAG && $value !== null) {
            throw new UsageError("$shown takes no value");
        }
        if ($known[$name] === self::VALUE && $value === null) {
            if ($words === []) {
                throw new UsageError("$shown needs a value: $shown=…");
            }
            $value = array_shift($words);
        }
        if ($value === '') {
            throw new UsageError("$shown has an empty value. A variable of the shell may not be set");
        }
        $this->options[$name] = $value ?? true;
        return $words;
    }
}
