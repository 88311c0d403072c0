<?php
// The subclass migrated: it gets the account's token and tickets from the extension. Entries of other accounts, for
// checkAuth($appid, $appsecret), stay as they were. A subclass over another cache, such as ThinkPHP's S(), changes in
// the same way.

class EasyWechat extends Wechat
{
    private $cachedir;
    private $account;
    private $lent;
    private $rejected;

    public function __construct($options)
    {
        $this->cachedir = rtrim($options['cachedir'] ?? 'cache', '/') . '/';
        $this->account = ['appid' => $options['appid'], 'secret' => $options['appsecret'], 'layout' => 'serialize'];
        parent::__construct($options);
    }

    protected function setCache($cachename, $value, $expired = 0)
    {
        $data = ['value' => $value, 'expired' => $expired ? time() + $expired : 0];
        return (bool) file_put_contents($this->cachedir . $cachename . '.cache', serialize($data));
    }

    protected function getCache($cachename)
    {
        $file = $this->cachedir . $cachename . '.cache';
        $tokenFile = $this->cachedir . 'wechat_access_token' . $this->account['appid'] . '.cache';
        // Catch no exception here: the library takes false for an empty cache, and fetches a token of its own.
        switch ($cachename) {
            case 'wechat_access_token' . $this->account['appid']:
                $this->lent = $this->rejected
                    ? wx_refresh_token($file, $this->rejected, $this->account) : wx_get_token($file, $this->account);
                $this->rejected = null;
                return $this->lent;
            case 'wechat_jsapi_ticket' . $this->account['appid']:
                return wx_get_ticket($file, $tokenFile, 'jsapi', $this->account);
            case 'wechat_api_ticket_wxcard' . $this->account['appid']:
                return wx_get_ticket($file, $tokenFile, 'wx_card', $this->account);
        }
        $data = is_file($file) ? unserialize(file_get_contents($file)) : null;
        if (empty($data['value']) || $data['expired'] < time()) {
            @unlink($file);
            return false;
        }
        return $data['value'];
    }

    protected function removeCache($cachename)
    {
        if ($cachename === 'wechat_access_token' . $this->account['appid']) {
            $this->rejected = $this->lent;    // the file stays: it may have a newer token
            return true;
        }
        @unlink($this->cachedir . $cachename . '.cache');
        return true;
    }
}
