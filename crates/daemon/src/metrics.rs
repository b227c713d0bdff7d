//! Metrics: labels that are enums, and the text in which everything is told.

use prometheus_client::registry::Registry;

/// The content type of [`text`], `OpenMetrics` 1.0.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that the registry holds, in the `OpenMetrics` text format.
pub fn text(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail; a metric that cannot be written would leave its line out.
    let _ = prometheus_client::encoding::text::encode(&mut text, registry);
    text
}

/// Makes enums with a `const fn as_str(self)` into label values that are written by it: never text from a peer.
#[macro_export]
macro_rules! label_values {
    ($($label:ty),* $(,)?) => {$(
        impl prometheus_client::encoding::EncodeLabelValue for $label {
            fn encode(
                &self,
                encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> Result<(), std::fmt::Error> {
                prometheus_client::encoding::EncodeLabelValue::encode(&self.as_str(), encoder)
            }
        }
    )*};
}
