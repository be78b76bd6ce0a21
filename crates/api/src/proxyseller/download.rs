//! `GET proxy/download/{type}`

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use wire::proxyseller::download::{self, BadTemplate, Download};
use wire::proxyseller::envelope::Problem;
use wire::proxyseller::proxy_list_stream::{Form, ListWriter};
use wire::proxyseller::section::Section;

use super::proxy_list::lines::{Lines, Printer};
use super::proxy_list::wanted;
use super::stop::{Done, Stop};
use super::{Asked, Version, offer, read, resident};
use crate::{answer, pieces, query};

/// The proxies of a section as a file.
pub(super) async fn file(asked: &Asked<'_>) -> Result<Done, Stop> {
    let section = section(asked)?;
    let form = match Download::from_ext(&ext(asked.query)) {
        Ok(form) => form,
        Err(bad) => return rejected(asked.version, bad),
    };
    let proto = read::parameter(asked.query, "proto");
    let socks = proto.is_some_and(|name| name.trim().eq_ignore_ascii_case("socks5"));
    let wanted = wanted::read(asked, &[section]).await?;
    let browse = asked.app.engine.browse(asked.customer(), wanted).await?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(form.media_type())),
        (CONTENT_DISPOSITION, attachment(section, &form)),
    ];
    let lines = Lines::begin(asked, browse, |out| match form {
        Download::Text(template) | Download::Csv(template) => {
            Printer::Text { template, socks, any: false }
        }
        Download::Json => Printer::Json(ListWriter::begin(Form::Bare, out)),
    });
    let (first, rest) = lines.first().await?;
    let mut answer = Response::new(pieces::body(first, rest));
    answer.headers_mut().extend(headers);
    Ok(Done::bare(answer))
}

/// The section that the path names, of those that can be downloaded.
fn section(asked: &Asked<'_>) -> Result<Section, Stop> {
    let name = asked.section.as_deref().unwrap_or("");
    let section = Section::from_name(name);
    if section == Some(Section::Resident) || name.eq_ignore_ascii_case("subresident") {
        return Err(resident::not_offered());
    }
    section.filter(|section| offer::kind(*section).is_some()).ok_or_else(|| {
        let words = format!("Could not find description of list{name} in CrmUserApiProxy");
        Stop::problem(Problem::new(words, 22002), "unknown-kind")
    })
}

/// What the query says about the form, decoded.
fn ext(query: &str) -> String {
    let mut pairs = query.split('&').rev().filter_map(|pair| pair.split_once('='));
    let last = pairs.find(|(name, _)| query::decoded(name, true) == "ext");
    last.map_or_else(String::new, |(_, raw)| {
        download::decoded(raw, |plain| query::decoded(plain, true).into_owned())
    })
}

/// v2 tells it without an envelope; clients of v1 take any other status for a broken connection.
fn rejected(version: Version, bad: BadTemplate) -> Result<Done, Stop> {
    const REASON_NAME: &str = "bad-template";
    match version {
        Version::V1 => Err(Stop::said(bad.words(), REASON_NAME)),
        Version::V2 => {
            let mut answer = Response::new(bad.words().into());
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            answer.headers_mut().insert(CONTENT_TYPE, plain);
            answer::reason(&mut answer, REASON_NAME);
            Ok(Done::bare(answer))
        }
    }
}

fn attachment(section: Section, form: &Download) -> HeaderValue {
    let (name, extension) = (section.name(), form.extension());
    let text = format!("attachment; filename=\"{name}.{extension}\"");
    HeaderValue::try_from(text).expect("names of sections are plain")
}
