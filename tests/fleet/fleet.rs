//! A world with several machines.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, Callers, GET, Php};
use wx_token_testing::proxy::Proxy;
use wx_token_testing::redis::Redis;
use wx_token_testing::{World, now};

/// Whether everything is tried, and not a sample.
pub fn all() -> bool {
    env::var("WX_FLEET").is_ok_and(|which| which == "all")
}

/// A token file whose token is long gone, by every clock.
pub const EXPIRED: &str = r#"{"access_token":"an-old-token","expire":1600000000}"#;

pub struct Fleet {
    pub world: World,
    pub redis: Redis,
    pub machines: Vec<PathBuf>,
}

impl Fleet {
    /// So many machines, where a fetch takes 200 ms. A use of the store may take longer than on a quiet machine.
    pub fn of(machines: usize) -> Self {
        Self::with(machines, World::slow())
    }

    pub fn with_options(machines: usize, options: Options) -> Self {
        Self::with(machines, World::new(options))
    }

    fn with(machines: usize, world: World) -> Self {
        let redis = Redis::start();
        let url = redis.url();
        Self::at(machines, world, redis, &url)
    }

    /// Machines that find the store by `url`.
    pub fn at(machines: usize, mut world: World, redis: Redis, url: &str) -> Self {
        world.set("store", url);
        world.set("store_timeout", "2");
        let machine = |number| {
            let directory = world.dir.path().join(format!("machine{number}"));
            fs::create_dir(&directory).expect("a directory for a machine");
            directory.join("token.json")
        };
        let machines = (0..machines).map(machine).collect();
        Self { world, redis, machines }
    }

    /// So many machines, whose way to the store is a proxy.
    pub fn behind_proxy(machines: usize) -> (Self, Proxy) {
        let redis = Redis::start();
        let proxy = Proxy::start(redis.port);
        (Self::at(machines, World::slow(), redis, &proxy.url()), proxy)
    }

    /// All machines have this content in their token files.
    pub fn write(&self, content: &str) {
        for file in &self.machines {
            fs::write(file, content).expect("the token file is written");
        }
    }

    /// All machines have the live token of a first fetch, which expires in `seconds`. Nothing of it counts, and the store
    /// knows nothing of it.
    pub fn write_live(&self, seconds: u64) -> String {
        let token = self.world.write_live(seconds);
        self.write(&json!({"access_token": token, "expire": now() + seconds}).to_string());
        self.redis.run(&["flushall"]);
        token
    }

    pub fn call(&self, machine: usize) -> Answer {
        self.call_of(machine, GET)
    }

    pub fn call_of(&self, machine: usize, call: &str) -> Answer {
        self.world.php().call(&self.machines[machine], call)
    }

    /// A process of this machine with settings of its own.
    pub fn call_by(&self, php: &Php, machine: usize) -> Answer {
        php.call(&self.machines[machine], GET)
    }

    /// So many processes of each machine make one call, all at once.
    pub fn storm(&self, processes: usize, call: &str) -> Vec<Answer> {
        self.storm_during(processes, call, |_| ()).0
    }

    /// The same while `event` happens. Returns also what comes of that.
    pub fn storm_during<T>(
        &self,
        processes: usize,
        call: &str,
        event: impl FnOnce(&Self) -> T,
    ) -> (Vec<Answer>, T) {
        let php = self.world.php();
        let start = |file: &PathBuf| Callers::start(&php, file, call, processes);
        let callers: Vec<_> = self.machines.iter().map(start).collect();
        let released: Vec<_> = callers.into_iter().flat_map(Callers::release_only).collect();
        let came = event(self);
        (released.into_iter().map(Answer::of).collect(), came)
    }

    pub fn stored(&self, machine: usize) -> String {
        let text = fs::read(&self.machines[machine]).expect("the token file is readable");
        let json: Value = serde_json::from_slice(&text).expect("the token file is JSON");
        json["access_token"].as_str().unwrap_or_default().to_owned()
    }

    /// What a machine says of the store.
    pub fn status(&self, machine: usize) -> Value {
        let answer = self.call_of(machine, "json_encode(wx_token_status($file)['store'])");
        serde_json::from_str(answer.token()).expect("a status")
    }

    /// Why a machine could not use the store when it last tried; empty if it could.
    pub fn store_error(&self, machine: usize) -> String {
        self.status(machine)["error"].as_str().unwrap_or_default().to_owned()
    }

    /// The file with what a machine knows of the store.
    pub fn knowledge_file(&self, machine: usize) -> PathBuf {
        self.machines[machine].with_file_name(".token.json.wx_store")
    }

    /// What the machine knows of the store.
    pub fn knowledge(&self, machine: usize) -> Value {
        let text = fs::read(self.knowledge_file(machine)).expect("the machine's knowledge");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Makes it know this, in a file of the same size as ever.
    pub fn set_knowledge(&self, machine: usize, knowledge: &Value) {
        let text = knowledge.to_string();
        let content = format!("{text}{}\n", " ".repeat(4095 - text.len()));
        fs::write(self.knowledge_file(machine), content).expect("it is written");
    }

    /// No machine knows when the store has confirmed its token, or failed.
    pub fn forget(&self) {
        for machine in 0..self.machines.len() {
            let _ = fs::remove_file(self.knowledge_file(machine));
        }
    }

    /// The field of the account's hash in the store; empty if it is not there.
    pub fn field(&self, name: &str) -> String {
        self.redis.run(&["hget", &self.key(), name])
    }

    /// Sets a field of that hash.
    pub fn set_field(&self, name: &str, value: &str) {
        self.redis.run(&["hset", &self.key(), name, value]);
    }

    /// The only key.
    pub fn key(&self) -> String {
        self.redis.run(&["keys", "*"])
    }

    /// Asserts that all `answers` are one live token, which every machine has stored.
    pub fn assert_one_live_token(&self, answers: &[Answer]) {
        let token = answers[0].token();
        for answer in answers {
            assert_eq!(answer.token(), token);
        }
        for machine in 0..self.machines.len() {
            assert_eq!(self.stored(machine), token);
        }
        assert!(self.world.is_live(token), "the token is invalid");
    }
}
