//! Applications and their arguments: `Dial(PJSIP/alice,10)`.

/// The arguments: parted by commas outside of quotes and brackets, without quotes.
pub fn arguments(text: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let Some(last) = arguments.last_mut() else { break };
        match c {
            '\\' => last.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted && depth == 0 => arguments.push(String::new()),
            _ => {
                match c {
                    _ if is_quoted => {}
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                last.push(c);
            }
        }
    }
    arguments.iter().map(|argument| argument.trim().to_owned()).collect()
}

/// What Asterisk knows, so that it can be told from a slip of the pen.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "AddQueueMember", "ADSIProg", "AELSub", "AgentLogin", "AgentRequest", "AGI", "AlarmReceiver", "AMD",
    "Answer", "AudioSocket", "Authenticate", "Background", "BackgroundDetect", "Bridge", "BridgeAdd",
    "BridgeWait", "Busy", "CallCompletionCancel", "CallCompletionRequest", "CELGenUserEvent",
    "ChangeMonitor", "ChanIsAvail", "ChannelRedirect", "ChanSpy", "ClearHash", "ConfBridge", "ConfKick",
    "Congestion", "ContinueWhile", "ControlPlayback", "DAHDIAcceptR2Call", "DAHDIBarge", "DAHDIRAS",
    "DAHDIScan", "DAHDISendCallreroutingFacility", "DAHDISendKeypadFacility", "DateTime", "DBdel",
    "DBdeltree", "DeadAGI", "Dial", "Dictate", "Directory", "DISA", "DumpChan", "EAGI", "Echo", "EndWhile",
    "Espeak", "Exec", "ExecIf", "ExecIfTime", "ExitWhile", "ExtenSpy", "ExternalIVR", "Festival", "Flash",
    "Flite", "FollowMe", "ForkCDR", "GetCPEID", "Gosub", "GosubIf", "Goto", "GotoIf", "GotoIfTime",
    "Hangup", "IAX2Provision", "ICES", "ImportVar", "Incomplete", "JabberSend", "JACK", "Log", "Macro",
    "MacroExclusive", "MacroExit", "MacroIf", "MailboxExists", "MeetMe", "MeetMeAdmin", "MeetMeCount",
    "MessageSend", "Milliwatt", "MinivmRecord", "MixMonitor", "Monitor", "Morsecode", "MP3Player", "MSet",
    "MusicOnHold", "NBScat", "NoCDR", "NoOp", "Originate", "OSPAuth", "Page", "Park", "ParkAndAnnounce",
    "ParkedCall", "PauseMonitor", "PauseQueueMember", "Pickup", "PickupChan", "Picotts", "Playback",
    "PlayTones", "PrivacyManager", "Proceeding", "Progress", "Queue", "QueueLog", "RaiseException", "Read",
    "ReadExten", "ReceiveFAX", "Record", "RemoveQueueMember", "ResetCDR", "RetryDial", "Return", "Ringing",
    "SayAlpha", "SayCountedNoun", "SayCountPL", "SayDigits", "SayNumber", "SayPhonetic", "SayUnixTime",
    "SendDTMF", "SendFAX", "SendImage", "SendText", "SendURL", "Set", "SetMusicOnHold", "SIPAddHeader",
    "SIPRemoveHeader", "SLAStation", "SMS", "SoftHangup", "SpeechBackground", "StackPop",
    "StartMusicOnHold", "Stasis", "StopMixMonitor", "StopMonitor", "StopMusicOnHold", "StopPlayTones",
    "Swift", "System", "TestClient", "TestServer", "ToneScan", "Transfer", "TryExec", "TrySystem",
    "UnpauseMonitor", "UnpauseQueueMember", "UpdateQueueMember", "URITest", "UserEvent", "Verbose",
    "VMAuthenticate", "VMSayName", "VoiceMail", "VoiceMailMain", "VoiceMailPlayMsg", "Wait", "WaitDigit",
    "WaitExten", "WaitForCondition", "WaitForNoise", "WaitForRing", "WaitForSilence", "WaitForTone",
    "WaitMusicOnHold", "WaitUntil", "While", "Zapateller", "ZapBarge",
];

/// Whether Asterisk has an application of that name.
pub fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// All names that Asterisk has.
pub fn all() -> impl Iterator<Item = &'static str> + Clone {
    KNOWN.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_part_nothing() {
        let said = "googletts.agi,\"Bonjour, ceci est un appel.\",fr,any";
        assert_eq!(arguments(said), ["googletts.agi", "Bonjour, ceci est un appel.", "fr", "any"]);
        assert_eq!(arguments("PJSIP/a&PJSIP/b, 10 ,U(sub,s,1)"), ["PJSIP/a&PJSIP/b", "10", "U(sub,s,1)"]);
        assert_eq!(arguments("${A:1,2},b"), ["${A:1,2}", "b"]);
        assert_eq!(arguments("a\\,b"), ["a,b"]);
        assert_eq!(arguments(""), [""]);
        assert_eq!(arguments("\"open,) \\"), ["open,)"]);
    }

    #[test]
    fn names_are_known_in_any_case() {
        assert!(is_known("agi") && is_known("WAITEXTEN") && is_known("BackGround"));
        assert!(!is_known("Dail") && !is_known(""));
    }
}
