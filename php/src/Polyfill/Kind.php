<?php

namespace WxToken\Polyfill;

/** What a file contains: a token, or a ticket. */
final class Kind
{
    public const TOKEN = 'token';
    public const JSAPI = 'jsapi';
    public const CARD = 'wx_card';
    public const AGENT = 'agent_config';
    /** Any of these: a status describes the file without knowing. */
    public const ANY = 'any';

    public const ALL = [self::TOKEN, self::JSAPI, self::CARD, self::AGENT];

    /** The keys under which files keep it, that of a new file first. */
    public const KEYS = [
        self::TOKEN => ['access_token'],
        self::JSAPI => ['jsapi_ticket', 'ticket'],
        self::CARD => ['wx_card_ticket', 'api_ticket', 'ticket'],
        self::AGENT => ['agent_config_ticket', 'ticket'],
        self::ANY => ['access_token', 'jsapi_ticket', 'wx_card_ticket', 'api_ticket', 'agent_config_ticket', 'ticket'],
    ];
}
