<?php
// A subclass of Wechat that keeps its cache in files, as EasyWechat of dodgepudding/wechat-php-sdk does
// (Thinkphp/EasyWechat.class.php).

class EasyWechat extends Wechat
{
    private $cachedir;

    public function __construct($options)
    {
        $this->cachedir = rtrim($options['cachedir'] ?? 'cache', '/') . '/';
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
        $data = is_file($file) ? unserialize(file_get_contents($file)) : null;
        if (empty($data['value']) || $data['expired'] < time()) {
            @unlink($file);
            return false;
        }
        return $data['value'];
    }

    protected function removeCache($cachename)
    {
        @unlink($this->cachedir . $cachename . '.cache');
        return true;
    }
}
