use jackfield_sdk::Header;

use super::*;

fn settings(http: &str) -> Settings {
    let config: toml::Table = http.parse().unwrap();
    jackfield_sdk::settings::parse(&serde_json::to_string(&config).unwrap()).unwrap()
}

fn request(text: &str) -> Request {
    Request { text: text.into(), lang: String::new(), voice: String::new(), ssml: false }
}

/// The request as the host would get it.
fn asked(settings: &Settings, text: &str) -> String {
    format!("{:?}", settings.http.as_ref().unwrap().request(&request(text), settings).unwrap())
}

const OPENAI: &str = r#"
    language = "fr"
    voices = { "*" = "nova" }
    rate = 165
    secrets.openai = "sk-1"
    [http]
    url = "https://api.openai.com/v1/audio/speech"
    headers.Authorization = "Bearer {secret.openai}"
    json = { model = "tts-1", input = "{text}", voice = "{voice}", speed = "{speed}", response_format = "pcm" }
    answer = { format = "pcm", rate = 24000 }
"#;

const GOOGLE: &str = r#"
    language = "fr"
    voices.fr = "fr-FR-Neural2-A"
    [http]
    url = "https://texttospeech.googleapis.com/v1/text:synthesize"
    [http.json]
    input.text = "{text}"
    voice = { languageCode = "{lang}", name = "{voice}" }
    audioConfig = { audioEncoding = "LINEAR16", sampleRateHertz = 8000 }
    [http.answer]
    base64 = "audioContent"
"#;

#[test]
fn a_service_is_asked_as_its_settings_say() {
    let openai = settings(OPENAI);
    assert!(openai.check().is_empty(), "{:?}", openai.check());
    let text = asked(&openai, "Dites \"oui\".");
    for part in ["\"POST\"", "https://api.openai.com/v1/audio/speech", "Bearer sk-1", "application/json"] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let words =
        Words { text: "Dites \"oui\".", voice: Some("nova"), speed: openai.speed(), ..Words::sample() };
    let body = filled(openai.http.as_ref().unwrap().json.as_ref().unwrap(), &words).unwrap();
    assert_eq!(body["input"], "Dites \"oui\".");
    assert_eq!((&body["voice"], &body["speed"]), (&"nova".into(), &1.1.into()));

    let piper = settings("language = \"fr\"\n[http]\nurl = \"http://localhost:5000/?text={text}\"");
    assert!(piper.check().is_empty());
    let text = asked(&piper, "Où ?");
    assert!(text.contains("\"GET\"") && text.contains("/?text=O%C3%B9%20%3F"), "{text}");
    let posted = settings("language = \"fr\"\n[http]\nurl = \"http://localhost:5000/\"\nbody = \"{text}\"");
    assert!(asked(&posted, "Où ?").contains("\"POST\""));
}

fn answer(status: u16, kind: &str, body: &[u8]) -> Response {
    let headers = vec![Header { name: "content-type".into(), value: kind.into() }];
    Response { status, headers, body: body.into() }
}

fn wav() -> Vec<u8> {
    b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x04\0\0\0abcd"
        .to_vec()
}

#[test]
fn sound_is_found_in_the_answer_and_nothing_else_is_taken_for_it() {
    let sound = |settings: &Settings, answer| settings.http.as_ref().unwrap().sound(&answer);
    let (openai, google) = (settings(OPENAI), settings(GOOGLE));
    assert!(google.check().is_empty(), "{:?}", google.check());
    assert_eq!(sound(&openai, answer(200, "audio/pcm", b"abc")), Ok((24000, b"ab".to_vec())));
    let json = format!(r#"{{"audioContent": "{}"}}"#, STANDARD.encode(wav()));
    assert_eq!(
        sound(&google, answer(200, "application/json", json.as_bytes())),
        Ok((8000, b"abcd".to_vec()))
    );
    let told = |settings: &Settings, given| sound(settings, given).unwrap_err();
    assert_eq!(told(&openai, answer(401, "text/plain", b"no\n key")), "answered 401: no key");
    assert_eq!(told(&openai, answer(200, "text/html", b"<p>Busy</p>")), "sent no samples: <p>Busy</p>");
    assert_eq!(told(&openai, answer(200, "audio/pcm", b"")), "sent no samples: ");
    assert_eq!(told(&google, answer(200, "text/plain", b"hm")), "sent no JSON: hm");
    assert_eq!(told(&google, answer(200, "", b"{}")), "sent JSON without audioContent");
    let odd = br#"{"audioContent": "#.to_vec();
    assert!(told(&google, answer(200, "", &[odd, b"\"?\"}".to_vec()].concat())).contains("than base64"));
    let nested = decode(br#"{"a": [{"b": "YWI="}]}"#, "a.0.b");
    assert_eq!(nested, Ok(b"ab".to_vec()));
}

#[test]
fn settings_of_a_service_are_checked() {
    let wrong = settings(
        "language = \"fr\"\n[http]\nurl = \"localhost\"\nbody = \"{txt}\"\njson = {}\ntimeout = \"0s\"\n\
         headers.K = \"{secret.k}\"\nanswer.format = \"pcm\"",
    );
    let paths: Vec<String> = wrong.check().iter().map(|finding| finding.path.join(" ")).collect();
    assert_eq!(
        paths,
        ["http url", "http json", "http timeout", "http answer rate", "http headers K", "http body"]
    );
}
