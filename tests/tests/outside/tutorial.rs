//! The tutorial's own commands lead from an empty folder to a call, and a baresip hears what they say.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    audio::RATE,
    author::Dev,
    await_within,
    baresip::{Baresip, Over},
    files,
    handset::{Digits, Handset, Line, Step},
    netns,
    process::run,
    speech::assert_spoken,
};

/// The voice of English texts, by espeak-ng's name.
const ENGLISH: &str = "en-gb";
const HELLO: &str = "Hello, and welcome!";
const NEW_HELLO: &str = "Hello, and thank you for calling us.";
/// For the control port of baresip; the network is the test's own.
const CONTROL: u16 = 4444;
/// Machine time that the way may take, from the first command to the changed greeting.
const LIMIT: Duration = Duration::from_secs(300);

/// The commands of the page, one block of them after the other.
fn blocks() -> Vec<String> {
    let page = fs::read_to_string(files::repository().join("docs/tutorial.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}

/// A reader of the page: the folder in which he is, and how long the machine let him wait.
struct Reader {
    folder: PathBuf,
    waited: Duration,
}

impl Reader {
    /// Types the lines of a block. What it prints is returned.
    #[track_caller]
    fn types(&mut self, block: &str) -> String {
        let began = Instant::now();
        let mut said = String::new();
        for line in block.lines() {
            if let Some(folder) = line.strip_prefix("cd ") {
                self.folder.push(folder);
                continue;
            }
            let mut shell = Command::new("sh");
            let programs = files::daemon().parent().unwrap().display().to_string();
            let path = env::var("PATH").unwrap_or_default();
            shell.args(["-c", line]).current_dir(&self.folder).env("PATH", format!("{programs}:{path}"));
            // Where others build is none of his business.
            said += &run(shell.env_remove("CARGO_TARGET_DIR").env("NO_COLOR", "1"), b"").expect_good();
        }
        self.waited += began.elapsed();
        said
    }
}

#[test]
fn the_tutorial_leads_from_an_empty_folder_to_a_changed_greeting() {
    const NAME: &str = "tutorial::the_tutorial_leads_from_an_empty_folder_to_a_changed_greeting";
    let desk = files::target().join("tutorial");
    let (waited, kept) = (desk.join("waited"), desk.join("greeting"));
    let blocks = blocks();
    let [new, test, dev, greeting, code, case] = &blocks[..] else { panic!("other blocks: {blocks:#?}") };
    // Cargo must reach its registry, and baresip needs a network of its own: what is built outside is used inside.
    if !netns::is_inside() {
        let _ = fs::remove_dir_all(&desk);
        fs::create_dir_all(&desk).unwrap();
        let mut reader = Reader { folder: desk.clone(), waited: Duration::ZERO };
        reader.types(new);
        let said = reader.types(test);
        assert!(said.contains("cases: 2 passed, 0 failed"), "{said}");
        fs::write(&waited, reader.waited.as_millis().to_string()).unwrap();
    }
    if !netns::inside(NAME) {
        return;
    }
    let before: u64 = fs::read_to_string(&waited).unwrap().parse().unwrap();
    let mut reader = Reader { folder: kept.clone(), waited: Duration::from_millis(before) };
    assert_eq!(dev.trim(), "jackfield dev");
    let began = Instant::now();
    let dev = Dev::start(&kept, &[], &desk.join("dev.log"));
    reader.waited += began.elapsed();
    let line = line(&desk);
    let phone = Baresip::at(dev.server(), dev.password(), CONTROL, &line);
    assert_spoken(&listen(&phone), &[HELLO, "Please press a key.", "You pressed 5."], ENGLISH);
    for told in
        ["199 calls 100", "199 pressed 5", "a key was pressed key=\"5\"", "says \"Hello, and welcome!\""]
    {
        dev.await_line(0, &[told]);
    }

    let then = dev.said().len();
    reader.types(greeting);
    reader.waited += await_live(&dev, then);
    phone.dial("100");
    await_within(Duration::from_secs(20), "the new greeting", || {
        phone.heard().get(1).is_some_and(|sound| sound.len() > 4 * RATE).then_some(())
    });
    assert_spoken(&phone.heard()[1], &[NEW_HELLO], ENGLISH);
    phone.hang_up();
    println!(
        "from an empty folder to a changed greeting: {:.1} s of machine time, {:.1} s of it for the first build",
        reader.waited.as_secs_f32(),
        before as f32 / 1000.0
    );
    assert!(reader.waited < LIMIT, "{:?}", reader.waited);

    let then = dev.said().len();
    reader.types(code);
    await_live(&dev, then);
    let failed = dev.await_line(then, &["FAILED", "told which key they pressed"]);
    dev.await_line(failed, &["the nearest that caller heard is \"You have pressed 5.\""]);
    let then = dev.said().len();
    reader.types(case);
    dev.await_line(then, &["cases 2 passed"]);
    dev.interrupt();
}

/// The plugin's new version is live; how long that took.
#[track_caller]
fn await_live(dev: &Dev, after: usize) -> Duration {
    let began = Instant::now();
    dev.await_line(after, &["live", "greeting", "0.1.0"]);
    began.elapsed()
}

fn line(desk: &Path) -> Line {
    Line { user: "me", over: Over::Udp, secured: false, tone: 1300.0, index: 0, folder: desk.join("baresip") }
}

/// What the phone hears in its first call to the plugin, in which it presses 5 when it may.
#[track_caller]
fn listen(phone: &Baresip) -> Vec<i16> {
    // After the greeting and the question, as long as they last.
    let script = [
        Step::Dial("100"),
        Step::Stay(Duration::from_millis(4500)),
        Step::Press(Digits::Event, "5"),
        Step::Stay(Duration::from_secs(1)),
    ];
    phone.perform(&script).unwrap_or_else(|error| panic!("{error}\n{}", Handset::log(phone)));
    await_within(Duration::from_secs(20), "the end of the call", || (phone.ended() == 1).then_some(()));
    // What is heard last lies in a buffer for a moment.
    thread::sleep(Duration::from_secs(1));
    phone.heard().into_iter().next().expect("a recording of the call")
}
