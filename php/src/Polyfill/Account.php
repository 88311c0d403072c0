<?php

namespace WxToken\Polyfill;

/**
 * Whose token it is: appid, secret and endpoint. They are looked up in the options of the call, the accounts file,
 * the settings and the environment, in this order.
 */
final class Account
{
    private const ACCOUNTS_FORMAT = '{"wx…": {"secret": "…"}}';

    /** @var string */
    public $id;
    /** @var string */
    public $secret;
    /** @var string */
    public $endpoint;

    private function __construct(string $id, string $secret, string $endpoint)
    {
        $this->id = $id;
        $this->secret = $secret;
        $this->endpoint = $endpoint;
    }

    public function __debugInfo(): array
    {
        return ['id' => $this->id, 'endpoint' => $this->endpoint];
    }

    /** @throws Problem */
    public static function find(Options $options): self
    {
        $settings = Settings::current();
        $own = $options->endpoint ?? ($options->isCorp ? 'wecom' : null);
        $endpoint = $own ?? $settings->endpoint;
        if ($options->appid !== null && $options->secret !== null) {
            return new self($options->appid, $options->secret, $endpoint);
        }
        [$envId, $envSecret] = [self::environment('WX_APPID'), self::environment('WX_SECRET')];
        $id = $options->appid ?? ($settings->appid !== '' ? $settings->appid : $envId);
        $accounts = null;
        if ($settings->accountsFile !== '') {
            $accounts = self::readAccounts($settings->accountsFile);
            $named = $id !== '' ? $id : (count($accounts) === 1 ? (string) key($accounts) : '');
            if (isset($accounts[$named])) {
                return self::ofFile($named, $accounts[$named], $options, $own);
            }
        }
        $missing = $accounts === null ? ''
            : ', and the accounts file ' . Printable::text($settings->accountsFile) . ' does not contain it';
        if ($id === '') {
            throw Problem::config(self::noAppid($settings, $envSecret, $accounts));
        }
        // Appid and secret of one place belong together; WX_SECRET serves wx_token.appid, too, unless it stands
        // beside another appid.
        if ($settings->appid === $id && $settings->secret !== '') {
            return new self($id, $settings->secret, $endpoint);
        }
        if ($envSecret !== '' && ($envId !== '' ? $envId === $id : $settings->appid === $id)) {
            return new self($id, $envSecret, $endpoint);
        }
        throw Problem::config(self::noSecret($id, $settings, $envId, $envSecret, $missing));
    }

    private static function environment(string $name): string
    {
        $value = getenv($name);
        return is_string($value) ? $value : '';
    }

    /** @throws Problem */
    private static function readAccounts(string $path): array
    {
        $text = Quietly::run(static function () use ($path) {
            return file_get_contents($path);
        });
        if (!is_string($text)) {
            throw Problem::config('wx_token.accounts_file: ' . FileProblem::of($path, 'read', Quietly::reason())->getMessage());
        }
        $mode = (int) fileperms($path);
        static $told = [];
        if ($mode & 04 && !isset($told[$path]) && !Path::isWindows()) {
            $told[$path] = true;
            error_log(sprintf(
                'wx_token.accounts_file: %s can be read by every user of this machine (mode %04o); chmod 0640 it and give it the group of the web server',
                Printable::text($path),
                $mode & 07777
            ));
        }
        $accounts = json_decode($text, true);
        if (json_last_error() !== JSON_ERROR_NONE) {
            throw self::unusable($path, 'it is not valid JSON: ' . json_last_error_msg() . '. Correct the file');
        }
        if (!is_array($accounts) || ltrim($text)[0] !== '{') {
            throw self::unusable($path, 'it must be a JSON object such as ' . self::ACCOUNTS_FORMAT);
        }
        return $accounts;
    }

    private static function ofFile(string $id, $entry, Options $options, ?string $own): self
    {
        $unusable = static function (string $why) use ($id): Problem {
            return self::unusable(Settings::current()->accountsFile, 'account ' . Printable::text($id, 64) . ": $why");
        };
        $secret = is_array($entry) ? $entry['secret'] ?? null : null;
        if (!is_string($secret) || $secret === '') {
            throw $unusable('"secret" is missing or not a string');
        }
        $endpoint = $entry['endpoint'] ?? null;
        if ($endpoint !== null && !in_array($endpoint, ['stable', 'classic', 'wecom'], true)) {
            throw $unusable('"endpoint" must be "stable", "classic" or "wecom"');
        }
        if ($options->isCorp && $endpoint !== null && $endpoint !== 'wecom') {
            throw $unusable("its \"endpoint\" is \"$endpoint\", and the option \"corpid\" means \"wecom\". Correct the file, or pass \"appid\"");
        }
        return new self($id, $secret, $own ?? $endpoint ?? Settings::current()->endpoint);
    }

    private static function unusable(string $path, string $why): Problem
    {
        return Problem::config('wx_token.accounts_file: cannot use ' . Printable::text($path) . ": $why");
    }

    private static function noSecret(string $id, Settings $settings, string $envId, string $envSecret, string $missing): string
    {
        $unused = '';
        if ($settings->appid === '' && $settings->secret !== '') {
            $unused = '; wx_token.secret counts only beside wx_token.appid';
        } elseif ($envId === '' && $envSecret !== '') {
            $unused = '; WX_SECRET counts only beside WX_APPID or wx_token.appid';
        }
        $shown = Printable::text($id, 64);
        if ($settings->appid === $id && $envId !== '' && $envSecret !== '') {
            return "wx_token.appid is $shown without wx_token.secret, and WX_SECRET belongs to another account, since WX_APPID is "
                . Printable::text($envId, 64) . "$missing. Set wx_token.secret, or make WX_APPID the same as wx_token.appid";
        }
        if ($settings->appid === $id) {
            return "wx_token.appid is $shown, but neither wx_token.secret nor WX_SECRET is set$missing. Set wx_token.secret";
        }
        if ($envId === $id) {
            return "WX_APPID is $shown, but WX_SECRET is not set$missing$unused. Set WX_SECRET in the same place as WX_APPID";
        }
        $remedy = $settings->accountsFile !== ''
            ? 'add the account to ' . Printable::text($settings->accountsFile)
            : 'add the account to a file and set wx_token.accounts_file to its path';
        return "no secret for appid $shown (case-sensitive)$missing$unused. Pass the option \"secret\", or $remedy";
    }

    private static function noAppid(Settings $settings, string $envSecret, ?array $accounts): string
    {
        $file = Printable::text($settings->accountsFile);
        if ($accounts) {
            $names = array_map(static function ($id): string {
                return Printable::text((string) $id, 64);
            }, array_slice(array_keys($accounts), 0, 3));
            $names = implode(', ', $names) . (count($accounts) > 3 ? ', …' : '');
            return "the accounts file $file has " . count($accounts)
                . " accounts ($names), and none is selected. Set wx_token.appid, or pass the option \"appid\"";
        }
        if ($settings->secret !== '') {
            return 'wx_token.secret is set, but wx_token.appid is not. Set wx_token.appid';
        }
        if ($envSecret !== '') {
            return 'WX_SECRET is set, but neither WX_APPID nor wx_token.appid is. Set WX_APPID in the same place as WX_SECRET';
        }
        if ($accounts !== null) {
            return "the accounts file $file has no account. Add one: " . self::ACCOUNTS_FORMAT;
        }
        return 'no WeChat account is configured. Set wx_token.appid and wx_token.secret, or WX_APPID and WX_SECRET in the environment'
            . " (php-fpm: env[WX_APPID] in the pool, or fastcgi_param), or pass ['appid' => …, 'secret' => …]";
    }
}
