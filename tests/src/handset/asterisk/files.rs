//! The files that make an Asterisk a telephone.

use std::{fs, net::SocketAddr};

use super::super::Line;
use crate::{Exchange, sid};

/// As few as a telephone needs; in an order that the loader can sort out.
const MODULES: &str = "res_sorcery_config res_sorcery_memory res_sorcery_astdb res_sorcery_memory_cache res_pjproject \
    res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest \
    res_pjsip_outbound_registration res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user \
    res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_nat res_pjsip_dtmf_info res_pjsip_dlg_options res_pjsip_refer \
    res_pjsip_path res_pjsip_logger chan_pjsip res_rtp_asterisk res_srtp res_timing_timerfd bridge_simple bridge_holding codec_ulaw \
    codec_alaw format_pcm format_wav app_playtones app_transfer app_mixmonitor app_stasis pbx_config func_channel \
    res_http_websocket res_websocket_client res_stasis res_stasis_answer res_stasis_playback res_stasis_recording res_stasis_snoop \
    res_ari res_ari_model res_ari_channels res_ari_events res_ari_applications res_ari_asterisk";

/// Files that Asterisk wants to exist.
const EMPTY: &str =
    "stasis features udptl manager acl ccss indications codecs dnsmgr pjproject sorcery websocket_client";

pub(super) fn write(exchange: &Exchange, line: &Line, ari: SocketAddr) {
    for name in ["lib", "db", "spool", "run", "log", "cache"] {
        fs::create_dir_all(line.folder.join(name)).expect("a folder");
    }
    let file = |name: &str, text: String| {
        line.write(&format!("etc/{name}.conf"), text);
    };
    file("asterisk", directories(line));
    let modules: String = MODULES.split_whitespace().map(|name| format!("load => {name}.so\n")).collect();
    file("modules", format!("[modules]\nautoload=no\n{modules}"));
    for name in EMPTY.split_whitespace() {
        file(name, String::new());
    }
    file("cdr", "[general]\nenable=no\n".into());
    file("cel", "[general]\nenable=no\n".into());
    file("logger", "[general]\n[logfiles]\nfull => notice,warning,error,verbose,dtmf\n".into());
    let first = 40_000 + line.index * 2000;
    file("rtp", format!("[general]\nrtpstart={first}\nrtpend={}\nicesupport=no\n", first + 1999));
    file("http", format!("[general]\nenabled=yes\nbindaddr={}\nbindport={}\n", ari.ip(), ari.port()));
    file("ari", "[general]\nenabled=yes\n[phone]\ntype=user\npassword=phone\n".into());
    file("extensions", extensions(exchange, line));
    file("pjsip", pjsip(exchange, line));
}

fn directories(line: &Line) -> String {
    let (own, tree) = (line.folder.display(), sid::tree());
    let tree = tree.display();
    format!(
        "[directories]\nastcachedir => {own}/cache\nastetcdir => {own}/etc\n\
         astmoddir => {tree}/usr/lib/x86_64-linux-gnu/asterisk/modules\nastvarlibdir => {own}/lib\n\
         astdbdir => {own}/db\nastkeydir => {own}/lib\nastdatadir => {tree}/usr/share/asterisk\n\
         astagidir => {tree}/usr/share/asterisk/agi-bin\nastspooldir => {own}/spool\nastrundir => {own}/run\n\
         astlogdir => {own}/log\nastsbindir => {tree}/usr/sbin\n\
         [options]\nverbose=3\nhideconnect=yes\n"
    )
}

/// `talk` is what it does in every call; it stays in the REST interface's hands.
fn extensions(exchange: &Exchange, line: &Line) -> String {
    let own = line.folder.display();
    format!(
        "[general]\nstatic=yes\n[phone]\n\
         exten => {user},1,Goto(talk,1)\n\
         exten => talk,1,Answer()\n\
         \x20same => n,MixMonitor({own}/both-${{UNIQUEID}}.wav,r({own}/heard-${{UNIQUEID}}.wav))\n\
         \x20same => n,Goto(again,1)\n\
         exten => again,1,PlayTones({tone})\n\
         \x20same => n,Stasis(phone)\n\
         \x20same => n,Hangup()\n\
         exten => _tra[n]sfer-.,1,Transfer(PJSIP/sip:${{EXTEN:9}}@{server}\\;transport={transport})\n\
         \x20same => n,Wait(10)\n\
         \x20same => n,Hangup()\n",
        user = line.user,
        tone = line.tone as u32,
        server = line.server(exchange),
        transport = line.transport(),
    )
}

fn pjsip(exchange: &Exchange, line: &Line) -> String {
    let (user, server, transport) = (line.user, line.server(exchange), line.transport());
    let bind = SocketAddr::new(server.ip(), exchange.site().spare_port(line.index));
    let tls = if transport == "tls" {
        let ca = exchange.site().beside("var/tls/ca.pem");
        format!("ca_list_file={}\nverify_server=yes\nmethod=tlsv1_2\n", ca.display())
    } else {
        String::new()
    };
    let security = if line.secured { "media_encryption=sdes\nmedia_encryption_optimistic=no\n" } else { "" };
    let endpoint = |name: &str, dtmf: &str| {
        format!(
            "[{name}]\ntype=endpoint\ncontext=phone\ntransport=wire\naors=jackfield\n\
             outbound_auth={user}\nfrom_user={user}\nfrom_domain={ip}\noutbound_proxy=sip:{server}\\;transport={transport}\\;lr\n\
             disallow=all\nallow=alaw,ulaw\ndirect_media=no\nmoh_passthrough=yes\ndtmf_mode={dtmf}\n{security}",
            ip = server.ip(),
        )
    };
    let endpoints =
        [endpoint("rfc4733", "rfc4733"), endpoint("info", "info"), endpoint("inband", "inband")].concat();
    format!(
        "[global]\ntype=global\ndebug=yes\n[system]\ntype=system\n\
         [wire]\ntype=transport\nprotocol={transport}\nbind={bind}\n{tls}\
         [{user}]\ntype=auth\nauth_type=userpass\nusername={user}\npassword={password}\n\
         [jackfield]\ntype=aor\ncontact=sip:{server}\\;transport={transport}\n\
         {endpoints}\
         [register]\ntype=registration\ntransport=wire\noutbound_auth={user}\nserver_uri=sip:{server}\\;transport={transport}\n\
         client_uri=sip:{user}@{server}\\;transport={transport}\ncontact_user={user}\nexpiration=600\nretry_interval=2\nmax_random_initial_delay=0\n\
         line=yes\nendpoint=rfc4733\n\
         [jackfield]\ntype=identify\nendpoint=rfc4733\nmatch={ip}\n",
        password = line.password(),
        ip = server.ip(),
    )
}
