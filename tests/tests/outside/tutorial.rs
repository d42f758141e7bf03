//! The tutorial's own commands lead from an empty folder to a call, and a baresip hears what they say.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    audio::RATE,
    author::{self, Dev},
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
            shell
                .args(["-c", line])
                .current_dir(&self.folder)
                .env("PATH", author::path())
                .env("NO_COLOR", "1");
            said += &run(shell.env_remove("CARGO_TARGET_DIR"), b"").expect_good();
        }
        self.waited += began.elapsed();
        said
    }
}

#[test]
fn the_tutorial_leads_from_an_empty_folder_to_a_changed_greeting() {
    const NAME: &str = "tutorial::the_tutorial_leads_from_an_empty_folder_to_a_changed_greeting";
    let Some((mut walk, code, case)) = Walk::begin(NAME, "rust") else { return };
    assert_spoken(&walk.listen(), &[HELLO, "Please press a key.", "You pressed 5."], ENGLISH);
    for told in
        ["199 calls 100", "199 pressed 5", "a key was pressed key=\"5\"", "says \"Hello, and welcome!\""]
    {
        walk.dev.await_line(0, &[told]);
    }
    walk.change_greeting();

    let then = walk.dev.said().len();
    walk.reader.types(&code);
    walk.await_live(then);
    let failed = walk.dev.await_line(then, &["FAILED", "told which key they pressed"]);
    walk.dev.await_line(failed, &["the nearest that caller heard is \"You have pressed 5.\""]);
    let then = walk.dev.said().len();
    walk.reader.types(&case);
    walk.dev.await_line(then, &["cases 2 passed"]);
    walk.dev.interrupt();
}

#[test]
fn the_tutorial_leads_there_in_javascript() {
    walk("tutorial::the_tutorial_leads_there_in_javascript", "js");
}

#[test]
fn the_tutorial_leads_there_in_python() {
    walk("tutorial::the_tutorial_leads_there_in_python", "python");
}

#[test]
fn the_tutorial_leads_there_in_c() {
    walk("tutorial::the_tutorial_leads_there_in_c", "c");
}

/// What the page says of every language.
#[track_caller]
fn walk(name: &str, language: &str) {
    let Some((mut walk, ..)) = Walk::begin(name, language) else { return };
    walk.phone.dial("100");
    walk.await_greeting(0, HELLO);
    walk.phone.hang_up();
    walk.dev.await_line(0, &["199 calls 100"]);
    walk.change_greeting();
    walk.dev.interrupt();
}

/// On the way, with a telephone.
struct Walk {
    reader: Reader,
    first_build: Duration,
    greeting: String,
    dev: Dev,
    phone: Baresip,
}

impl Walk {
    /// The first half of the page; and the blocks that change the code and its case. Outside of its namespace there is
    /// none: the test has run.
    #[track_caller]
    fn begin(name: &str, language: &str) -> Option<(Walk, String, String)> {
        let desk = files::target().join("tutorial").join(language);
        let (waited, folder) = (desk.join("waited"), desk.join("greeting"));
        let blocks = blocks();
        let [new, test, dev, greeting, code, case] = &blocks[..] else { panic!("other blocks: {blocks:#?}") };
        // Cargo must reach its registry, and baresip needs a network of its own: what is built outside is used inside.
        if !netns::is_inside() {
            let _ = fs::remove_dir_all(&desk);
            fs::create_dir_all(&desk).unwrap();
            let mut reader = Reader { folder: desk.clone(), waited: Duration::ZERO };
            assert!(new.contains("--lang rust"), "{new}");
            reader.types(&new.replace("--lang rust", &format!("--lang {language}")));
            let said = reader.types(test);
            assert!(said.contains("cases: 2 passed, 0 failed"), "{said}");
            fs::write(&waited, reader.waited.as_millis().to_string()).unwrap();
        }
        if !netns::inside(name) {
            return None;
        }
        let first_build = Duration::from_millis(fs::read_to_string(&waited).unwrap().parse().unwrap());
        let mut reader = Reader { folder: folder.clone(), waited: first_build };
        assert_eq!(dev.trim(), "jackfield dev");
        let began = Instant::now();
        let dev = Dev::start(&folder, &[], &desk.join("dev.log"));
        reader.waited += began.elapsed();
        let phone = Baresip::at(dev.server(), dev.password(), CONTROL, &line(&desk));
        let walk = Walk { reader, first_build, greeting: greeting.clone(), dev, phone };
        Some((walk, code.clone(), case.clone()))
    }

    /// The page's change, and a call that hears it. The way is timed up to here.
    #[track_caller]
    fn change_greeting(&mut self) {
        let then = self.dev.said().len();
        self.reader.types(&self.greeting.clone());
        self.reader.waited += self.await_live(then);
        let calls = self.phone.heard().len();
        self.phone.dial("100");
        self.await_greeting(calls, NEW_HELLO);
        self.phone.hang_up();
        let waited = self.reader.waited;
        println!(
            "from an empty folder to a changed greeting: {:.1} s of machine time, {:.1} s of it for the first build",
            waited.as_secs_f32(),
            self.first_build.as_secs_f32()
        );
        assert!(waited < LIMIT, "{waited:?}");
    }

    /// The new version is live; how long that took.
    #[track_caller]
    fn await_live(&self, after: usize) -> Duration {
        let began = Instant::now();
        self.dev.await_line(after, &["live", "greeting", "0.1.0"]);
        began.elapsed()
    }

    /// That call, counted from 0, begins with these words.
    #[track_caller]
    fn await_greeting(&self, call: usize, words: &str) {
        await_within(Duration::from_secs(20), "the greeting", || {
            self.phone.heard().get(call).is_some_and(|sound| sound.len() > 4 * RATE).then_some(())
        });
        assert_spoken(&self.phone.heard()[call], &[words], ENGLISH);
    }

    /// What is heard in the first call, in which 5 is pressed when it may be.
    #[track_caller]
    fn listen(&self) -> Vec<i16> {
        // After the greeting and the question, as long as they last.
        let script = [
            Step::Dial("100"),
            Step::Stay(Duration::from_millis(4500)),
            Step::Press(Digits::Event, "5"),
            Step::Stay(Duration::from_secs(1)),
        ];
        let phone = &self.phone;
        phone.perform(&script).unwrap_or_else(|error| panic!("{error}\n{}", Handset::log(phone)));
        await_within(Duration::from_secs(20), "the end of the call", || (phone.ended() == 1).then_some(()));
        // What is heard last lies in a buffer for a moment.
        thread::sleep(Duration::from_secs(1));
        phone.heard().into_iter().next().expect("a recording of the call")
    }
}

fn line(desk: &Path) -> Line {
    Line { user: "me", over: Over::Udp, secured: false, tone: 1300.0, index: 0, folder: desk.join("baresip") }
}
