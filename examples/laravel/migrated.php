<?php
// The service with a token file. In a project the file is storage_path('app/wx_access_token.json'), and the
// account config('services.wechat').

class WechatService
{
    public function accessToken(): string
    {
        return wx_get_token('wx_access_token.json', $this->account());
    }

    public function call(string $path): array
    {
        $answer = $this->ask($path, $token = $this->accessToken());
        if (in_array($answer['errcode'] ?? 0, [40001, 40014, 42001], true)) {
            $token = wx_refresh_token('wx_access_token.json', $token, $this->account());
            $answer = $this->ask($path, $token);
        }
        return $answer;
    }

    private function ask(string $path, string $token): array
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return json_decode(file_get_contents("$base/$path?access_token=$token"), true);
    }

    private function account(): array
    {
        return ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
    }
}
