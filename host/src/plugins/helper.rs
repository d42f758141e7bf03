//! Named local programs (a speech engine, say) that plugins may run. The
//! operator's configuration has the command; a plugin adds arguments and input.

use std::{collections::BTreeMap, process::Stdio, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jackfield_switch::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::Semaphore,
    time::timeout,
};

/// Helpers at once, of all plugins.
const AT_ONCE: usize = 8;
/// What a helper may write: ten minutes of 16-bit audio at 22.05 kHz.
const MAX_OUTPUT: u64 = 32 << 20;
const MAX_COMPLAINT: u64 = 4096;
const LONGEST: Duration = Duration::from_secs(120);

/// Name to command line.
pub type Commands = BTreeMap<String, Vec<String>>;

pub struct Helpers {
    commands: ArcSwap<Commands>,
    places: Semaphore,
}

impl Helpers {
    pub fn new(commands: Commands) -> Helpers {
        Helpers { commands: ArcSwap::from_pointee(commands), places: Semaphore::new(AT_ONCE) }
    }

    /// From now on these are the helpers.
    pub fn replace(&self, commands: Commands) {
        self.commands.store(Arc::new(commands));
    }

    /// Runs a helper to its end and returns what it wrote to standard output.
    /// Dropping the future kills it.
    pub async fn run(
        &self,
        name: &str,
        arguments: &[String],
        input: &[u8],
        time: Duration,
    ) -> Result<Vec<u8>, Error> {
        let commands = self.commands.load_full();
        let Some((program, fixed)) = commands.get(name).and_then(|command| command.split_first()) else {
            return Err(Error::NotFound(format!("helper {name}: add [helpers.{name}] to jackfield.toml")));
        };
        let _place = self.places.acquire().await;
        let failed = |text: String| Error::Unavailable(format!("helper {name}: {text}"));
        let mut child = Command::new(program)
            .args(fixed)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("{program} could not be started: {error}")))?;
        let time = time.min(LONGEST);
        match timeout(time, talk(&mut child, input)).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(text)) => Err(failed(text)),
            Err(_) => Err(failed(format!("no result in {} ms", time.as_millis()))),
        }
    }
}

async fn talk(child: &mut Child, input: &[u8]) -> Result<Vec<u8>, String> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("its pipes are gone".to_owned());
    };
    let (mut output, mut complaint) = (Vec::new(), Vec::new());
    let write = async {
        // A helper that does not read its input to the end is no failure.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let mut stdout = stdout.take(MAX_OUTPUT + 1);
    let mut stderr = stderr.take(MAX_COMPLAINT);
    let read = stdout.read_to_end(&mut output);
    let listen = stderr.read_to_end(&mut complaint);
    let ((), read, listened) = tokio::join!(write, read, listen);
    read.and(listened).map_err(|error| error.to_string())?;
    if output.len() as u64 > MAX_OUTPUT {
        return Err(format!("it wrote more than {MAX_OUTPUT} bytes"));
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(output);
    }
    Err(format!("it ended with {status}: {}", String::from_utf8_lossy(&complaint).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helpers(command: &[&str]) -> Helpers {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        Helpers::new(Commands::from([("h".to_owned(), command)]))
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_helper_gets_its_input_and_arguments_and_its_output_comes_back() {
        let output = helpers(&["sed"]).run("h", &["s/a/b/".to_owned()], b"aha\n", SECOND).await;
        assert_eq!(output.unwrap(), b"bha\n");
    }

    #[tokio::test]
    async fn failures_name_the_helper_and_what_it_said() {
        let said = |result: Result<Vec<u8>, Error>| result.unwrap_err().to_string();
        let cat = helpers(&["cat"]);
        assert!(said(cat.run("x", &[], b"", SECOND).await).contains("[helpers.x]"));
        let missing = cat.run("h", &["/nowhere/at/all".to_owned()], b"", SECOND).await;
        assert!(said(missing).contains("/nowhere/at/all"));
        let gone = helpers(&["/nowhere/program"]).run("h", &[], b"", SECOND).await;
        assert!(said(gone).contains("could not be started"));
        let slow = helpers(&["sleep", "5"]).run("h", &[], b"", Duration::from_millis(20)).await;
        assert!(said(slow).contains("20 ms"));
    }
}
