//! Every reason for which the gateway says no, and how each protocol puts it.

/// Why a connection, a request or a flow is refused. Nothing in it comes from the client, so that
/// an answer never repeats what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Nobody said who is asking, and the address that connects is no lease's source.
    #[error("credentials are needed")]
    CredentialsNeeded,
    /// No lease has this login with this password here.
    #[error("credentials are wrong")]
    CredentialsWrong,
    /// Too many wrong credentials came from there.
    #[error("too many wrong credentials")]
    TooManyFailures,
    /// The lease has ended.
    #[error("lease has ended")]
    LeaseEnded,
    /// The operator has suspended the lease.
    #[error("lease is suspended")]
    LeaseSuspended,
    /// The lease has as many flows as it may have.
    #[error("too many connections of this lease")]
    TooManyFlows,
    /// The lease opens flows faster than it may.
    #[error("connections of this lease come too fast")]
    TooFast,
    /// The gateway has as many flows as it may have.
    #[error("gateway is full")]
    GatewayFull,

    /// The request cannot be read, or can be read in two ways.
    #[error("malformed request")]
    Malformed,
    /// The target of the request is not one that a proxy can go to.
    #[error("malformed target")]
    BadTarget,
    /// The head is longer, or has more fields, than is read.
    #[error("request head is too large")]
    HeadTooLarge,
    /// The request did not come in time.
    #[error("request came too slowly")]
    RequestTimeout,
    /// A method that is not passed on.
    #[error("method is not allowed")]
    MethodNotAllowed,
    /// The client expects something that the gateway does not do.
    #[error("expectation cannot be met")]
    ExpectationFailed,
    /// An HTTP version that is not spoken.
    #[error("version is not supported")]
    VersionNotSupported,
    /// A SOCKS command that is not offered.
    #[error("command is not supported")]
    CommandNotSupported,
    /// A SOCKS address type that does not exist.
    #[error("address type is not supported")]
    AddressTypeNotSupported,

    /// The policy closes this destination.
    #[error("destination is not allowed")]
    DestinationNotAllowed,
    /// The policy closes this port.
    #[error("port is not allowed")]
    PortNotAllowed,
    /// The name has no address.
    #[error("name does not resolve")]
    NameUnknown,
    /// Nobody answered what the address of the name is.
    #[error("name could not be resolved in time")]
    NameTimeout,
    /// The destination has no address of the family that the exit has.
    #[error("destination has no address of the exit's family")]
    FamilyUnavailable,
    /// The exit cannot be used now. Never is another one used in its place.
    #[error("exit is not available")]
    ExitUnavailable,
    /// The exit is just about to be another one.
    #[error("exit is being rotated, try again in a moment")]
    ExitDialing,
    /// The destination refused the connection.
    #[error("destination refused the connection")]
    ConnectionRefused,
    /// There is no way to the destination's network.
    #[error("network is unreachable")]
    NetworkUnreachable,
    /// There is no way to the destination.
    #[error("host is unreachable")]
    HostUnreachable,
    /// The destination did not answer in time.
    #[error("destination did not answer in time")]
    ConnectTimeout,
    /// The destination broke the connection off.
    #[error("destination broke the connection off")]
    ConnectionLost,
    /// The destination did not respond in time.
    #[error("destination did not respond in time")]
    ResponseTimeout,
    /// The destination sent what cannot be passed on.
    #[error("destination sent a malformed response")]
    BadResponse,

    /// The gateway itself failed.
    #[error("internal error")]
    Internal,
}

/// How a refusal is put into words. All of it is fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The stable name: in logs, metrics and the body of an answer.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The error type of a `Proxy-Status` field (RFC 9209), where there is one.
    pub proxy_status: Option<&'static str>,
    /// The reply code of SOCKS5 (RFC 1928).
    pub socks_reply: u8,
}

const SOCKS_FAILURE: u8 = 0x01;
const SOCKS_NOT_ALLOWED: u8 = 0x02;
const SOCKS_NETWORK_UNREACHABLE: u8 = 0x03;
const SOCKS_HOST_UNREACHABLE: u8 = 0x04;
const SOCKS_REFUSED: u8 = 0x05;
const SOCKS_COMMAND: u8 = 0x07;
const SOCKS_ADDRESS_TYPE: u8 = 0x08;

impl Refusal {
    /// Every refusal, for those who must have an answer to each.
    pub const ALL: &[Refusal] = &[
        Refusal::CredentialsNeeded,
        Refusal::CredentialsWrong,
        Refusal::TooManyFailures,
        Refusal::LeaseEnded,
        Refusal::LeaseSuspended,
        Refusal::TooManyFlows,
        Refusal::TooFast,
        Refusal::GatewayFull,
        Refusal::Malformed,
        Refusal::BadTarget,
        Refusal::HeadTooLarge,
        Refusal::RequestTimeout,
        Refusal::MethodNotAllowed,
        Refusal::ExpectationFailed,
        Refusal::VersionNotSupported,
        Refusal::CommandNotSupported,
        Refusal::AddressTypeNotSupported,
        Refusal::DestinationNotAllowed,
        Refusal::PortNotAllowed,
        Refusal::NameUnknown,
        Refusal::NameTimeout,
        Refusal::FamilyUnavailable,
        Refusal::ExitUnavailable,
        Refusal::ExitDialing,
        Refusal::ConnectionRefused,
        Refusal::NetworkUnreachable,
        Refusal::HostUnreachable,
        Refusal::ConnectTimeout,
        Refusal::ConnectionLost,
        Refusal::ResponseTimeout,
        Refusal::BadResponse,
        Refusal::Internal,
    ];

    /// How it is put into words.
    pub fn wording(self) -> Wording {
        let (code, status, proxy_status, socks_reply) = match self {
            Refusal::CredentialsNeeded => ("credentials_needed", 407, None, SOCKS_NOT_ALLOWED),
            Refusal::CredentialsWrong => ("credentials_wrong", 407, None, SOCKS_NOT_ALLOWED),
            Refusal::TooManyFailures => {
                ("too_many_failures", 429, Some("http_request_denied"), SOCKS_NOT_ALLOWED)
            }
            Refusal::LeaseEnded => {
                ("lease_ended", 403, Some("http_request_denied"), SOCKS_NOT_ALLOWED)
            }
            Refusal::LeaseSuspended => {
                ("lease_suspended", 403, Some("http_request_denied"), SOCKS_NOT_ALLOWED)
            }
            Refusal::TooManyFlows => {
                ("too_many_connections", 429, Some("connection_limit_reached"), SOCKS_FAILURE)
            }
            Refusal::TooFast => ("too_fast", 429, Some("connection_limit_reached"), SOCKS_FAILURE),
            Refusal::GatewayFull => {
                ("gateway_full", 503, Some("connection_limit_reached"), SOCKS_FAILURE)
            }
            Refusal::Malformed => ("malformed", 400, Some("http_request_error"), SOCKS_FAILURE),
            Refusal::BadTarget => ("bad_target", 400, Some("http_request_error"), SOCKS_FAILURE),
            Refusal::HeadTooLarge => {
                ("head_too_large", 431, Some("http_request_error"), SOCKS_FAILURE)
            }
            Refusal::RequestTimeout => {
                ("request_timeout", 408, Some("http_request_error"), SOCKS_FAILURE)
            }
            Refusal::MethodNotAllowed => {
                ("method_not_allowed", 405, Some("http_request_denied"), SOCKS_COMMAND)
            }
            Refusal::ExpectationFailed => {
                ("expectation_failed", 417, Some("http_request_error"), SOCKS_FAILURE)
            }
            Refusal::VersionNotSupported => {
                ("version_not_supported", 505, Some("http_request_error"), SOCKS_FAILURE)
            }
            Refusal::CommandNotSupported => {
                ("command_not_supported", 501, Some("http_request_denied"), SOCKS_COMMAND)
            }
            Refusal::AddressTypeNotSupported => {
                ("address_type", 400, Some("http_request_error"), SOCKS_ADDRESS_TYPE)
            }
            Refusal::DestinationNotAllowed => (
                "destination_not_allowed",
                403,
                Some("destination_ip_prohibited"),
                SOCKS_NOT_ALLOWED,
            ),
            Refusal::PortNotAllowed => {
                ("port_not_allowed", 403, Some("http_request_denied"), SOCKS_NOT_ALLOWED)
            }
            Refusal::NameUnknown => {
                ("name_unknown", 502, Some("dns_error"), SOCKS_HOST_UNREACHABLE)
            }
            Refusal::NameTimeout => {
                ("name_timeout", 504, Some("dns_timeout"), SOCKS_HOST_UNREACHABLE)
            }
            Refusal::FamilyUnavailable => (
                "family_unavailable",
                502,
                Some("destination_ip_unroutable"),
                SOCKS_HOST_UNREACHABLE,
            ),
            Refusal::ExitUnavailable => {
                ("exit_unavailable", 502, Some("proxy_configuration_error"), SOCKS_FAILURE)
            }
            Refusal::ExitDialing => {
                ("exit_dialing", 503, Some("destination_unavailable"), SOCKS_FAILURE)
            }
            Refusal::ConnectionRefused => {
                ("connection_refused", 502, Some("connection_refused"), SOCKS_REFUSED)
            }
            Refusal::NetworkUnreachable => (
                "network_unreachable",
                502,
                Some("destination_ip_unroutable"),
                SOCKS_NETWORK_UNREACHABLE,
            ),
            Refusal::HostUnreachable => {
                ("host_unreachable", 502, Some("destination_ip_unroutable"), SOCKS_HOST_UNREACHABLE)
            }
            Refusal::ConnectTimeout => {
                ("connect_timeout", 504, Some("connection_timeout"), SOCKS_HOST_UNREACHABLE)
            }
            Refusal::ConnectionLost => {
                ("connection_lost", 502, Some("connection_terminated"), SOCKS_FAILURE)
            }
            Refusal::ResponseTimeout => {
                ("response_timeout", 504, Some("http_response_timeout"), SOCKS_FAILURE)
            }
            Refusal::BadResponse => {
                ("bad_response", 502, Some("http_protocol_error"), SOCKS_FAILURE)
            }
            Refusal::Internal => ("internal", 500, Some("proxy_internal_error"), SOCKS_FAILURE),
        };
        Wording { code, status, proxy_status, socks_reply }
    }
}
