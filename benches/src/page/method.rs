//! How it was measured, in a few plain paragraphs.

use maud::{Markup, html};

use crate::result::Report;
use crate::table;

/// The method, and the machine.
pub(super) fn text(report: &Report) -> Markup {
    html! {
        section.method {
            h2 { "How it was measured" }
            p {
                "Every arm has two pods of its own, network namespaces on one machine: a load generator in one, its application in \
                 the other. The client's connections are captured and handed to a proxy beside it, which speaks to a proxy beside \
                 the server. With “no proxy” the two speak directly; with the plain relay they are captured and copied, but not \
                 encrypted."
            }
            p {
                "A row is one kind of work. It is measured in rounds, and each round runs every arm once. Every other round \
                 runs backward (ABBA), and after each such two rounds everybody moves on by one place, so that a machine that \
                 grows slower or faster favours nobody. The two runs of one round are \
                 a pair: their ratio is taken within the round, where what disturbs the machine for a while disturbs both. What is \
                 shown is the median of these ratios."
            }
            p {
                "The interval beside a ratio goes from one of the measured ratios to another. Each of them lies below the true \
                 median as often as above it, as a tossed coin falls; so how surely the true median lies between the fourth lowest \
                 and the fourth highest of 15 can be computed: 96 %. The interval is always the narrowest of this kind that is at \
                 least 95 % sure; of 8 pairs or fewer it spans all of them. Of fewer than 6 even that is less sure, which is said \
                 beside them: 93 % with 5, 87 % with 4, 75 % with 3."
            }
            p {
                "If an interval holds 1, there is “no difference”: these runs do not show one, which does not prove that there is \
                 none, so ratio and interval stand beside the words. A setting of Bulkhead is “flat” if the whole interval lies \
                 within 0.95 to 1.05. There are hundreds of intervals here, and where nothing differs, one in twenty leaves 1 out \
                 by chance alone at 95 %, and one in four at 75 %: a single small difference proves little, the same one in row \
                 after row more."
            }
            p {
                "In a chart the bar ends at the median of the runs, the whiskers are the interval of that median, found in the \
                 same way, and each dot is one run. Axes begin at 0; runs far beyond all others are counted at the edge instead of \
                 drawn."
            }
            p {
                "Processor time is read from the proxies' own clocks, user and system together, of both proxies and their children. \
                 “The whole machine” is all time in which a processor was not idle, whoever used it: load generator, application, \
                 kernel, proxies, and what the machine's own host took away. It is what an arm without proxies can be compared by. A gigabyte is 10⁹ bytes of payload. \
                 Memory is the proportional set size of both proxies. Latency at a constant rate counts from the moment at which a \
                 request should have been sent; in all other rows the next operation waits for the one before."
            }
            p {
                "The first packets of each run are captured. An encrypting arm must show packets to its proxy's port, TLS records, \
                 and none of the application's text. A run that does not show what its arm promises takes the arm's figures of \
                 that row, which then is an error. Any other failed run is told beside the figure if at least 3 others remain \
                 and more than half of all, and makes an error of it if not. No run is dropped, and fewer than 3 are never shown as a figure."
            }
            p { "The machine: " (table::machine(report)) "." }
        }
    }
}
