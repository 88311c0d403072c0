<?php

namespace WxToken\Command;

use WxToken\Polyfill\Account;
use WxToken\Polyfill\Options;
use WxToken\Polyfill\Path;
use WxToken\Polyfill\Problem;
use WxToken\Polyfill\Quietly;

/** What the checks of the doctor look at. */
final class Examination
{
    /** @var Machine */
    public $machine;
    /** @var Arguments */
    public $arguments;
    /** @var string|null The token file, as an absolute path. */
    public $file;
    /** @var array|null Its status. */
    public $status;
    /** @var Pool[] */
    public $pools;
    /** @var User|null Who runs PHP for the web server. */
    public $user;
    /** @var string Why there is no user. */
    public $whyNoUser = '';
    /** @var Account|null */
    public $account;
    /** @var string Why there is no account. */
    public $whyNoAccount = '';

    /** @throws UsageError */
    public function __construct(Arguments $arguments)
    {
        $this->arguments = $arguments;
        $this->machine = new Machine((string) $arguments->value('sysroot'));
        $this->pools = Pool::all($this->machine);
        $this->findUser();
        $this->findAccount();
        $named = $arguments->files(0, 1)[0] ?? null;
        if ($named !== null) {
            $this->file = Path::absolute($named);
            try {
                $this->lookAgain();
            } catch (UnfitPath $error) {
                throw new UsageError(Text::clean($named) . ": {$error->getMessage()}");
            }
        }
    }

    /** The file as it is now. */
    public function lookAgain(): array
    {
        $source = array_intersect_key($this->arguments->source() ?? [], ['layout' => 1, 'refresh_ahead' => 1]) ?: null;
        return $this->status = Functions::status((string) $this->file, $source);
    }

    public function endpoint(): string
    {
        return $this->account !== null ? $this->account->endpoint
            : ($this->arguments->value('endpoint') ?? (Setting::of('endpoint') ?: 'stable'));
    }

    /**
     * Where WeChat is asked.
     *
     * @return string[] Base URLs.
     */
    public function bases(): array
    {
        $set = array_values(array_filter(array_map('trim', explode(',', Setting::of('api_base'))), 'strlen'));
        $default = $this->endpoint() === 'wecom' ? 'https://qyapi.weixin.qq.com' : 'https://api.weixin.qq.com';
        $bases = array_map(static function (string $base): string {
            return rtrim($base, '/');
        }, $set ?: [$default]);
        return $this->endpoint() === 'stable' ? $bases : array_slice($bases, 0, 1);
    }

    /** The refresh log; null if it is off. */
    public function log(): ?string
    {
        $log = $this->arguments->value('log') ?? $this->status['log']['place'] ?? Setting::of('log');
        return $log === '' ? null : ($log === 'syslog' ? $log : Path::absolute($log));
    }

    /** @throws UsageError */
    private function findUser(): void
    {
        $named = $this->arguments->value('user');
        if ($named !== null) {
            $this->user = User::find($this->machine, $named);
            if ($this->user === null) {
                throw new UsageError('there is no user ' . Text::clean($named, 60) . '. Take the user of the web server: --user=www-data');
            }
            return;
        }
        $names = array_unique(array_filter(array_map(static function (Pool $pool): string {
            return $pool->user;
        }, $this->pools), 'strlen'));
        if (count($names) > 1) {
            $this->whyNoUser = 'the pools of php-fpm have several users (' . implode(', ', $names) . '). Name one: --user=NAME';
            return;
        }
        foreach ($names ?: ['www-data', 'nginx', 'apache', 'www'] as $name) {
            $this->user = $this->user ?? User::find($this->machine, $name);
        }
        $this->whyNoUser = 'no user of a web server was found. Name it: --user=NAME';
    }

    private function findAccount(): void
    {
        // What the polyfill has to say of the accounts file is said by its check.
        $log = ini_set('error_log', '/dev/null');
        try {
            $options = array_diff_key($this->arguments->source() ?? [], ['layout' => 1]);
            $this->account = Account::find(Options::ofSource($options ?: null, 'the options'));
        } catch (Problem $problem) {
            $this->whyNoAccount = $problem->getMessage();
        } finally {
            Quietly::run(static function () use ($log) {
                return ini_set('error_log', (string) $log);
            });
        }
    }
}
