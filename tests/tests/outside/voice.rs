//! The voice: spoken once and kept, made before it is asked for, by a service or by the next in line.

use std::{
    fs, io,
    net::TcpStream,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    Exchange, Phone, Site, await_until, await_within, process::Running, python, speech::assert_spoken,
};
use toml_edit::{Array, value};

use crate::menu::{PROMPTS, await_length, number_of};

/// What the service says before each text.
const SERVICE: &str = "Ici le service.";

/// Makes the helper leave a line for each of its runs; the file with them.
fn count_runs(site: &Site) -> PathBuf {
    let runs = site.write("runs", "");
    let count = format!("echo run >> '{}'; exec espeak-ng --stdin --stdout \"$@\"", runs.display());
    site.edit(|config| {
        config["helpers"]["espeak-ng"]["command"] = value(Array::from_iter(["sh", "-c", &count, "sh"]));
    });
    runs
}

fn lines(file: &PathBuf) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

/// A plugin of ours in a folder of its own, by the component of another one.
fn add_plugin(site: &Site, name: &str, component: &str, manifest: &str) {
    let folder = site.beside("plugins").join(name);
    fs::create_dir_all(&folder).unwrap();
    let file = component.rsplit('/').next().unwrap();
    fs::copy(site.beside("plugins").join(component), folder.join(file)).unwrap();
    let header = format!(
        "[plugin]\nname = \"{name}\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\ncomponent = \"{file}\"\n"
    );
    fs::write(folder.join("plugin.toml"), header + manifest).unwrap();
    site.edit(|config| config["plugins"][name]["path"] = value(format!("plugins/{name}")));
}

/// What is different for each caller is made when it is asked for.
const NEWS: &str = r#"kind = ["app"]
[config]
language = "fr"
start = "main"
[config.menus.main]
prompts = "Pour entendre les nouvelles du jour, appuyez sur la touche 1 de votre téléphone."
response-timeout = "30s"
invalid = "repeat"
keys.1 = { menu = "news" }
[config.menus.news]
prompts = "Bonjour {caller:digits}."
then = "back"
"#;
/// What alice is told.
const TOLD: &str = "Bonjour un, zéro, un.";

#[test]
fn fixed_prompts_are_made_before_a_call_and_the_second_play_starts_at_once() {
    let site = Site::example("la-plateforme");
    let runs = count_runs(&site);
    add_plugin(&site, "news", "menu/ivr.wasm", NEWS);
    site.edit(|config| config["routes"]["300"] = value("news"));
    let exchange = site.start();

    // The menu's nine texts, the campaign's message, and what the news begin with.
    await_until("all fixed prompts", || (lines(&runs) >= 11).then_some(()));
    assert_eq!(lines(&runs), 11);
    let alice = Phone::registered(&exchange, "alice");
    let mut call = alice.call("300");
    let mut times = Vec::new();
    for _ in 0..5 {
        let before = call.audio.heard().samples().len() as u64;
        call.audio.await_sound(Duration::from_millis(before / 8 + 1500));
        let pressed = call.audio.press('1');
        // The last packet before the key, the news, and the beginning of the menu again.
        let heard = await_until("the news and the menu", || {
            let mut heard = call.audio.heard();
            let first = heard.0.iter().position(|packet| packet.at > pressed)?;
            heard.0.drain(..first.saturating_sub(1));
            (heard.samples().len() > 8 * 2500).then_some(heard)
        });
        times.push(heard.pauses().into_iter().max().unwrap_or_default());
        assert_eq!(lines(&runs), 12, "the news are made once");
    }
    eprintln!("from the key to the news, by RTP timestamps: {times:?}");
    let mut again = times[1..].to_vec();
    again.sort();
    // Half of them: the machine may have something else to do for once.
    assert!(again[1] < Duration::from_millis(50), "{times:?}");
    assert_spoken(&call.audio.heard().samples(), &[TOLD], "fr");
    call.hang_up();

    // Another voice is another sentence.
    let manifest = exchange.site().beside("plugins/tts/plugin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("fr = \"fr\""), "{text}");
    fs::write(&manifest, text.replace("fr = \"fr\"", "fr = \"fr-be\"")).unwrap();
    await_until("all fixed prompts in another voice", || (lines(&runs) >= 23).then_some(()));
    let wav = say(&exchange, TOLD);
    assert_eq!(lines(&runs), 24, "the sentence of the call, too");
    say(&exchange, TOLD);
    exchange.operator(&["say", TOLD, "--lang", "en", "--out", "english.wav"]);
    assert_eq!(lines(&runs), 25, "and in another language");
    assert_spoken(&wav, &[TOLD], "fr-be");
}

/// The sentence, spoken by the exchange for its operator.
#[track_caller]
fn say(exchange: &Exchange, text: &str) -> Vec<i16> {
    exchange.operator(&["say", text, "--lang", "fr", "--out", "said.wav"]);
    samples(&exchange.site().folder().join("said.wav"))
}

fn samples(wav: &PathBuf) -> Vec<i16> {
    let mut reader = hound::WavReader::open(wav).unwrap();
    reader.samples::<i16>().map(Result::unwrap).collect()
}

/// Asks the service, and says what it needs to know from the operator's file.
const CLOUD: &str = r#"kind = ["tts"]
[capabilities]
http = ["http://127.0.0.1:PORT/speak"]
[config-schema]
secrets = { type = "table", secret = true }
[config]
language = "fr"
[config.http]
url = "http://127.0.0.1:PORT/speak?text={text}&lang={lang}"
headers.X-Key = "key {secret.service}"
timeout = "3s"
"#;

struct Service {
    port: u16,
    mood: PathBuf,
    log: PathBuf,
}

impl Service {
    /// The service is asked first, and then the program.
    fn beside(site: &Site) -> Service {
        let port = site.spare_port(0);
        add_plugin(site, "cloud", "tts/tts.wasm", &CLOUD.replace("PORT", &port.to_string()));
        site.edit(|config| {
            config["speech"]["provider"] = value(Array::from_iter(["cloud", "tts"]));
            config["speech"]["patience"] = value("1s");
            let cloud = &mut config["plugins"]["cloud"];
            cloud["grant"]["http"] = value(Array::from_iter([format!("http://127.0.0.1:{port}")]));
            cloud["config"]["secrets"]["service"] = value("4711");
        });
        Service { port, mood: site.write("mood", "good"), log: site.folder().join("asked") }
    }

    fn start(&self) -> Running {
        let mut service = python::script("voice.py");
        service.arg(self.port.to_string()).args([&self.mood, &self.log]);
        let running = Running::start(&mut service, &self.log.with_extension("out"));
        await_until("the service", || TcpStream::connect(("127.0.0.1", self.port)).ok());
        running
    }

    fn is(&self, mood: &str) -> io::Result<()> {
        fs::write(&self.mood, mood)
    }
}

/// Sentences that were never said before, until one is by the service.
#[track_caller]
fn await_service(exchange: &Exchange) {
    let start = Instant::now();
    await_within(Duration::from_secs(60), "the service to speak again", || {
        say(exchange, &format!("Essai {}.", start.elapsed().as_millis()));
        thread::sleep(Duration::from_millis(300));
        (!exchange.operator(&["voices"]).contains("it is down")).then_some(())
    });
}

#[test]
fn a_service_speaks_and_when_it_does_not_the_next_one_speaks_for_it() {
    let site = Site::example("la-plateforme");
    let runs = count_runs(&site);
    let service = Service::beside(&site);
    // It cannot be reached: as if the network was cut.
    let exchange = site.start();
    let alice = Phone::registered(&exchange, "alice");
    let mut call = alice.call(&number_of(exchange.site(), "menu"));
    await_length(&call, &PROMPTS);
    assert_spoken(&call.audio.heard().samples(), &PROMPTS, "fr");
    call.hang_up();
    exchange.await_log(&["WARN", "speech: cloud is down, tts speaks for it", "refused"]);
    let voices = exchange.operator(&["voices"]);
    assert!(voices.contains("it is down: ") && voices.contains("tts              fr       fr"), "{voices}");

    // It is there, and what the other one said for it is said anew.
    let mut running = service.start();
    await_service(&exchange);
    exchange.await_log(&["INFO", "speech: cloud speaks again"]);
    let made = lines(&runs);
    assert_spoken(&say(&exchange, PROMPTS[1]), &[SERVICE, PROMPTS[1]], "fr");
    let mut call = alice.call(&number_of(exchange.site(), "menu"));
    call.audio.await_sound(Duration::from_secs(6));
    assert_spoken(&call.audio.heard().samples(), &[SERVICE, PROMPTS[0]], "fr");
    call.hang_up();
    assert_eq!(lines(&runs), made, "the other one was not asked");
    let asked = fs::read_to_string(&service.log).unwrap();
    assert!(asked.contains(&format!("key 4711 fr {}\n", PROMPTS[1])), "{asked}");

    // It dies; what it has said is kept, and what is new is said by the other one.
    running.kill();
    assert_spoken(&say(&exchange, PROMPTS[1]), &[SERVICE, PROMPTS[1]], "fr");
    for text in ["Le service ne répond plus.", "Il fait beau aujourd'hui."] {
        let said = say(&exchange, text);
        assert_spoken(&said, &[text], "fr");
        assert!(said.len() < jackfield_tests::speech::render(text, "fr").len() + 4000, "nobody else said it");
    }
    let downs = |exchange: &Exchange| exchange.log().matches("speech: cloud is down").count();
    assert_eq!(downs(&exchange), 2, "told once for each time");

    // It hangs, and then it writes pages; it is asked now and then, and nobody waits for it.
    service.is("hang").unwrap();
    let mut running = service.start();
    for number in 0..5 {
        let text = format!("Voici la phrase numéro {number}.");
        assert_spoken(&say(&exchange, &text), &[&text], "fr");
    }
    service.is("rubbish").unwrap();
    running.kill();
    let _running = service.start();
    assert_spoken(&say(&exchange, "Le service est occupé."), &["Le service est occupé."], "fr");
    assert_eq!(downs(&exchange), 2);
    service.is("good").unwrap();
    await_service(&exchange);
    assert_spoken(&say(&exchange, "Le service est occupé."), &[SERVICE, "Le service est occupé."], "fr");
}

#[test]
fn without_a_daemon_the_operator_hears_and_sees_the_voices_too() {
    let site = Site::example("la-plateforme");
    let voices = site.jackfield(&["voices"]).expect_good();
    assert!(
        voices.contains("tts              en       en-gb") && voices.contains("tts              fr       fr"),
        "{voices}"
    );
    site.jackfield(&["say", "Bonjour et bienvenue.", "--lang", "fr", "--out", "said.wav"]).expect_good();
    assert_spoken(&samples(&site.folder().join("said.wav")), &["Bonjour et bienvenue."], "fr");
    let said = site.jackfield(&["say", "Bonjour", "--voice", "../fr"]).expect_bad();
    assert!(said.contains("\"../fr\" is no voice"), "{said}");
}
