//! The WeChat client: TLS, proxies, several hosts, and where an account comes from.

use std::fs::Permissions;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use wechat_emulator::{Emulator, Options, Tls};
use wx_token_testing::World;
use wx_token_testing::php::{Answer, Php};

fn secure(tls: Tls) -> World {
    World::new(Options { tls: Some(tls), ..Options::default() })
}

fn trusting(mut world: World) -> World {
    let ca_file = world.emulator.ca_file().expect("a CA file").to_str().expect("a path").to_owned();
    world.set("ca_file", &ca_file);
    world
}

#[test]
fn tls_is_trusted_through_the_ca_file() {
    let world = trusting(secure(Tls::default()));
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
}

#[test]
fn tls_is_not_trusted_without_the_ca_file_and_no_secret_is_sent() {
    let world = secure(Tls::default());
    let answer = world.call();
    assert_untrusted(&answer, "the certificate is from an unknown CA. Set wx_token.ca_file");
    assert_eq!(world.fetches(), 0);
}

/// Asserts that `answer` says why the TLS handshake failed, and does not mention an answer.
fn assert_untrusted(answer: &Answer, why: &str) {
    assert_eq!(answer.class(), "WxToken\\NetworkException", "{}", answer.message());
    let message = answer.message();
    assert!(message.contains("TLS to https://127.0.0.1:"), "{message}");
    assert!(message.contains(&format!(" failed: {why}")), "{message}");
    assert!(!message.contains("answer"), "{message}");
}

#[test]
fn a_server_that_does_not_speak_tls_is_named_as_such() {
    let mut world = World::new(Options::default());
    let base = world.emulator.base_url().replace("http:", "https:");
    world.set("api_base", &base);
    assert_untrusted(&world.call(), "the server does not speak TLS. Check wx_token.api_base");
    assert_eq!(world.fetches(), 0);
}

#[test]
fn a_handshake_that_breaks_off_is_not_reported_as_a_broken_answer() {
    let mut world = World::new(Options::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    world.set("api_base", &format!("https://{address}"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        // The whole greeting, or closing would be a reset.
        assert!(stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0), "no greeting");
    });
    let answer = world.call();
    server.join().expect("the server ends");
    let message = answer.message();
    assert!(message.contains(" failed: the handshake broke off"), "{message}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let tls = Tls { cert_names: vec!["other.example".to_owned()], ..Tls::default() };
    let world = trusting(secure(tls));
    assert_untrusted(&world.call(), "the certificate is for another host (");
    assert!(world.call().message().contains("other.example"));
    assert_eq!(world.fetches(), 0);
}

#[test]
fn an_expired_certificate_is_refused() {
    let world = trusting(secure(Tls { expired: true, ..Tls::default() }));
    assert_untrusted(&world.call(), "the certificate has expired. Check the clock");
    assert_eq!(world.fetches(), 0);
}

#[test]
fn an_invalid_ca_file_is_a_config_exception() {
    let mut world = secure(Tls::default());
    world.write_expired();
    let file = world.file().to_str().expect("a path").to_owned();
    world.set("ca_file", &file);
    let answer = world.call();
    assert_eq!(answer.class(), "WxToken\\ConfigException", "{}", answer.message());
    assert!(answer.message().contains("it contains no certificate"), "{}", answer.message());
}

fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[test]
fn the_second_host_is_asked_when_the_first_refuses_connections() {
    let mut world = World::new(Options::default());
    let both = format!("{}, {}", closed_port(), world.emulator.base_url());
    world.set("api_base", &both);
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
    assert_eq!(world.fetches(), 1);
}

#[test]
fn the_second_host_is_not_asked_when_the_first_answers_with_an_error() {
    let mut world = World::new(Options::default());
    let second = World::new(Options::default());
    let both = format!("{},{}", world.emulator.base_url(), second.emulator.base_url());
    world.set("api_base", &both);
    world.emulator.script_json(json!([{"status": 500}])).expect("a script");
    assert_eq!(world.call().class(), "WxToken\\NetworkException");
    assert_eq!(second.fetches(), 0);
}

#[test]
fn the_classic_endpoint_has_no_second_host() {
    let mut world = World::new(Options::default());
    let both = format!("{},{}", closed_port(), world.emulator.base_url());
    world.set("api_base", &both);
    world.set("endpoint", "classic");
    assert_eq!(world.call().class(), "WxToken\\NetworkException");
    assert_eq!(world.fetches(), 0);
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    let trap = World::new(Options::default());
    let world = World::new(Options::default());
    let run = |php: wx_token_testing::php::Php| {
        let mut command = php.command();
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env(name, trap.emulator.base_url());
        }
        let code =
            "try { echo wx_get_token($argv[1]); } catch (Exception $e) { echo get_class($e); }";
        let file = world.file();
        let output = command.args(["-r", code, "--"]).arg(file).output().expect("php runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let token = run(world.php());
    assert!(world.is_live(&token), "{token}");
    assert_eq!(trap.emulator.stats().connections, 0, "the environment's proxy was used");
}

#[test]
fn the_account_may_come_from_options_file_or_environment() {
    let world = World::new(Options::default()).without_account();
    let Options { appid, secret, .. } = Options::default();
    let accounts = world.dir.path().join("accounts.json");
    let content =
        json!({"wx-other": {"secret": "x"}, &appid: {"secret": secret, "endpoint": "classic"}});
    std::fs::write(&accounts, content.to_string()).expect("an accounts file");
    std::fs::set_permissions(&accounts, Permissions::from_mode(0o640)).expect("chmod");
    let dir = world.dir.path().to_str().expect("a path");
    let run = |php: wx_token_testing::php::Php, source: &str| {
        let code = format!("echo wx_get_token(tempnam($argv[1], 'token'), {source});");
        let mut command = php.command();
        command.env("WX_APPID", &appid).env("WX_SECRET", &secret).env("SECRET", &secret);
        let output = command.args(["-r", &code, "--", dir]).output().expect("php runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let accounts = world.php().with(&format!("wx_token.accounts={}", accounts.display()));
    let by_option =
        format!("['appid' => '{appid}', 'secret' => getenv('SECRET'), 'endpoint' => 'classic']");
    for (php, source) in [
        (world.php(), by_option.as_str()),
        (accounts, &format!("['appid' => '{appid}']")),
        (world.php(), "null"),
    ] {
        let token = run(php, source);
        assert!(world.is_live(&token), "{source}: {token}");
    }
    let stats = world.emulator.stats();
    assert_eq!((stats.fetches.token, stats.fetches.stable_token), (2, 1));
}

#[test]
fn a_failed_name_lookup_is_a_failed_connection() {
    let mut world = World::new(Options::default());
    world.set("api_base", "https://api.weixin.qq.com");
    // A network namespace of its own has no network: no name is found, and nothing is sent.
    let php = world.php().command();
    let code = "try { wx_get_token($argv[1]); } catch (Exception $e) { echo $e->getMessage(); }";
    let output = std::process::Command::new("unshare")
        .args(["-n", "--"])
        .arg(php.get_program())
        .args(php.get_args())
        .args(["-r", code, "--"])
        .arg(world.file())
        .output()
        .expect("unshare runs");
    let message = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        message.contains("cannot connect to https://api.weixin.qq.com: no name server answered for api.weixin.qq.com"),
        "{message}"
    );
}

/// A world whose WeChat is at `host` and port 443, where a hosts file leads to it.
fn at_default_port(host: &str) -> (World, Ipv4Addr) {
    for last in 1..=250 {
        let address = Ipv4Addr::new(127, 44, 3, last);
        let tls = Tls { cert_names: vec![host.to_owned()], ..Tls::default() };
        let options =
            Options { listen: (address, 443).into(), tls: Some(tls), ..Options::default() };
        if Emulator::start(options.clone()).is_ok() {
            return (World::new(options), address);
        }
    }
    panic!("no free address, or not root");
}

#[test]
fn corpid_and_corpsecret_go_to_wecom_and_to_no_other_host() {
    let (official, official_address) = at_default_port("api.weixin.qq.com");
    let (mut wecom, wecom_address) = at_default_port("qyapi.weixin.qq.com");
    let dir = tempfile::tempdir().expect("a directory");
    let (resolv_conf, hosts) = (dir.path().join("resolv.conf"), dir.path().join("hosts"));
    std::fs::write(&resolv_conf, "nameserver 127.0.0.1\n").expect("a file");
    let names =
        format!("{official_address} api.weixin.qq.com\n{wecom_address} qyapi.weixin.qq.com\n");
    std::fs::write(&hosts, names).expect("a file");
    let authorities = [&official, &wecom].map(|world| {
        std::fs::read_to_string(world.emulator.ca_file().expect("a CA file")).expect("a file")
    });
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, authorities.concat()).expect("a file");
    wecom.set("ca_file", ca_file.to_str().expect("a path"));
    wecom.set("api_base", "");
    let call = |php: &Php, options: &str| {
        let call = format!("wx_get_token($file, [{options}])");
        let php = php.clone().with_names(resolv_conf.clone(), hosts.clone());
        php.call(&wecom.file(), &call)
    };

    let Options { appid, secret, corpid, corpsecret, .. } = Options::default();
    let corp = format!("'corpid' => '{corpid}', 'corpsecret' => '{corpsecret}'");
    for endpoint in ["stable", "classic"] {
        wecom.write("");
        let php = wecom.php().with(&format!("wx_token.endpoint={endpoint}"));
        let answer = call(&php, &corp);
        assert!(wecom.is_live(answer.token()));
        assert_eq!(official.emulator.stats().connections, 0, "the secret went elsewhere");
    }
    // WeCom sets errcode to 0 in a good answer.
    wecom.write("");
    let script = json!([{"on": "gettoken", "errcode_as_string": true}]);
    wecom.emulator.script_json(script).expect("a script");
    let answer = call(&wecom.php(), &corp);
    assert!(wecom.is_live(answer.token()));

    wecom.write("");
    let answer = call(&wecom.php(), &format!("'appid' => '{appid}', 'secret' => '{secret}'"));
    assert!(official.is_live(answer.token()), "an appid is an official account's, as ever");
    assert_eq!(wecom.fetches(), 3);
}
