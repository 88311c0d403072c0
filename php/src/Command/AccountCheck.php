<?php

namespace WxToken\Command;

use WxToken\Polyfill\Account;

/** Which account is used, where it was found, and whether it looks like one of WeChat's. */
final class AccountCheck
{
    /** @return Finding[] */
    public static function account(Examination $examination): array
    {
        $account = $examination->account;
        if ($account === null) {
            [$what, $advice] = self::split($examination->whyNoAccount);
            // Code may pass an account in its calls. Half an account is never meant so.
            return [strncmp($what, 'no WeChat account', 17) === 0
                ? Finding::warning("$what for the command line", "$advice. Where the code passes it, set WX_APPID and WX_SECRET for this check")
                : Finding::problem($what, $advice)];
        }
        [$place, $isEnvironment] = self::place($account, $examination->arguments);
        $findings = [Finding::ok("{$account->id}, endpoint {$account->endpoint}, from $place")];
        [$isId, $length] = $account->endpoint === 'wecom' ? ['/^(?:ww|wx|w)[0-9A-Za-z]{14,24}$/D', 43] : ['/^wx[0-9a-f]{16}$/D', 32];
        if (preg_match($isId, $account->id) !== 1) {
            $findings[] = Finding::warning(
                "\"{$account->id}\" ($place) does not look like " . ($account->endpoint === 'wecom' ? 'a corpid' : 'an AppID: "wx" and 16 digits'),
                'Copy it again from WeChat\'s console'
            );
        }
        if (strlen($account->secret) !== $length || preg_match('/^[\x21-\x7e]*$/D', $account->secret) !== 1) {
            $findings[] = Finding::warning(
                'the secret of ' . "{$account->id} ($place) has " . strlen($account->secret) . " characters; WeChat's have $length, and no blanks",
                'Copy it again from WeChat\'s console'
            );
        }
        $file = Setting::of('accounts_file') ?: Setting::of('accounts');
        if ($file !== '' && is_file($file) && (fileperms($file) & 04) !== 0) {
            $findings[] = Finding::warning(
                sprintf('the accounts file %s can be read by every user of this machine (mode %04o)', $file, fileperms($file) & 07777),
                'chmod 0640 it, and give it the group of the web server'
            );
        }
        foreach ($isEnvironment ? $examination->pools : [] as $pool) {
            if ($pool->clearsEnvironment && !isset($pool->variables['WX_SECRET'])) {
                $findings[] = Finding::warning(
                    "the pool {$pool->name} of php-fpm clears the environment, from which this account comes",
                    "Write env[WX_APPID] and env[WX_SECRET] into {$pool->file}, or take settings or an accounts file"
                );
            }
        }
        return $findings;
    }

    /** @return array{string, bool} Where it stands, and whether it needs the environment. */
    private static function place(Account $account, Arguments $arguments): array
    {
        $named = $arguments->value('appid') ?? $arguments->value('corpid');
        $file = Setting::of('accounts_file') ?: Setting::of('accounts');
        $accounts = $file === '' ? null : json_decode((string) file_get_contents($file), true);
        if (isset($accounts[$account->id])) {
            return ["the accounts file $file", false];
        }
        if (Setting::of('appid') === $account->id) {
            return Setting::of('secret') !== '' ? ['wx_token.appid and wx_token.secret', false] : ['wx_token.appid, and WX_SECRET in the environment', true];
        }
        return [$named === null ? 'WX_APPID and WX_SECRET in the environment' : 'the option, and WX_SECRET in the environment', true];
    }

    /** @return array{string, string} What is wrong, and what to do, of one of the extension's messages. */
    public static function split(string $message): array
    {
        // "cannot …: reason. What to do"
        $parts = preg_split('/\. (?=[A-Z])/', $message, 2);
        return [$parts[0], $parts[1] ?? 'See docs/errors.md'];
    }
}
