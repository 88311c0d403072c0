--TEST--
wx_token_status() tells whether a web server may send a token file, or every user read it, and why the log cannot be written
--EXTENSIONS--
wx_token
--ENV--
return <<<END
DOCUMENT_ROOT={PWD}/029-exposed/html
END;
--INI--
wx_token.log={PWD}/029-exposed/nowhere/wx_token.log
--FILE--
<?php
$directory = __DIR__ . '/029-exposed';
mkdir("$directory/html/data", 0755, true);
mkdir("$directory/closed", 0750);

function tell(string $file, array $source = []): void
{
    $status = wx_token_status($file, $source);
    $short = str_replace($GLOBALS['directory'], '', [$file, $status['exposed'] ?? 'only its owner and group']);
    echo "$short[0]: $short[1]\n";
}

$token = '{"access_token":"not-to-be-shown","expire":1588219064}';
foreach (['html/token.json' => $token, 'html/data/token.php' => "<?php exit();?>$token", 'html/token.php' => $token,
    'html/data/token.txt' => "<?php exit();?>$token", 'closed/token.json' => $token] as $name => $content) {
    file_put_contents("$directory/$name", $content);
    chmod("$directory/$name", 0640);
    tell("$directory/$name");
}
// What does not exist yet will be written as its name, or the option, says.
tell("$directory/html/new.json");
tell("$directory/html/new.php");
tell("$directory/html/other.php", ['layout' => 'expire']);
tell("$directory/closed/../html/token.json");
chmod("$directory/closed/token.json", 0644);
tell("$directory/closed/token.json");

$log = wx_token_status("$directory/closed/token.json")['log'];
echo str_replace($directory, '', "$log[place]: $log[error]\n");
?>
--CLEAN--
<?php exec('rm -r ' . escapeshellarg(__DIR__ . '/029-exposed')); ?>
--EXPECT--
/html/token.json: it is below the document root /html, so a web server may send it to anybody. Move it out of there, or have the web server deny it
/html/data/token.php: only its owner and group
/html/token.php: it is below the document root /html, so a web server may send it to anybody. Move it out of there, or have the web server deny it
/html/data/token.txt: it is below the document root /html, so a web server may send it to anybody. Move it out of there, or have the web server deny it
/closed/token.json: only its owner and group
/html/new.json: it is below the document root /html, so a web server may send it to anybody. Move it out of there, or have the web server deny it
/html/new.php: only its owner and group
/html/other.php: it is below the document root /html, so a web server may send it to anybody. Move it out of there, or have the web server deny it
/closed/../html/token.json: it is below the document root /html, so a web server may send it to anybody. Move it out of there, or have the web server deny it
/closed/token.json: only its owner and group
/nowhere/wx_token.log: cannot create /nowhere/wx_token.log: the directory /nowhere does not exist. Create it, or pass another path
