//! Verified Inc., over a real socket.

mod page;
mod pages;
mod wallet;
mod wallet_addresses;
mod wallet_consent;
mod wallet_endings;
mod wallet_matching;
mod wallet_simulations;

/// The API key of Hooli, which issues and accepts, and may use everything.
pub(crate) const HOOLI: &str = "yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng=";
/// The API key of Kredita, a partner of Hooli.
pub(crate) const KREDITA: &str = "it6JXCP4E+j9W4oG+UyR1eJ4XNfvp8cB+lx2vxDJluo=";
/// The API key of Acme Lending, which has neither trusted 1-Click nor partners.
pub(crate) const ACME: &str = "YWNtZS1sZW5kaW5nLXNhbmRib3gtYXBpLWtleS0wMDE=";
