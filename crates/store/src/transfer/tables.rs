//! What is moved: every table with its columns, in one place.

/// A table as PostgreSQL has it, and where a SQLite file has its rows.
#[derive(Debug)]
pub(crate) struct Table {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its columns.
    pub(crate) columns: &'static [&'static str],
    /// What its rows are ordered by, byte for byte.
    pub(crate) key: &'static str,
    /// Where a file has them.
    pub(super) kept: Kept,
}

/// Where a SQLite file has the rows of a table.
#[derive(Debug)]
pub(super) enum Kept {
    /// In the table of the same name.
    There,
    /// In the table of the same name, but the last column, which is this expression.
    ThereBut(&'static str),
    /// Among the columns of this one.
    With(&'static str),
    /// They are found with this statement, which gives them in the order of their key.
    Found(&'static str),
}

/// In a SQLite file the feed has the numbers of the journal. Here they are kept with batches, which
/// stay as long as those that a busy server makes. They have no server and no mark.
const BATCHES: &str = "SELECT MIN(id), COUNT(*), zeroblob(16), 0, MIN(id)
    FROM (SELECT id, id - ROW_NUMBER() OVER (ORDER BY id) AS gap FROM entry)
    GROUP BY gap, id / 32 ORDER BY 1";

/// In a SQLite file they are found by an index. They always follow each other.
const FIRST_LEASE: &str =
    "COALESCE((SELECT MIN(lease.id) FROM lease WHERE lease.order_id = customer_order.id), 0)";

const FEED: &str = "SELECT id, next_entry FROM state";

/// All tables. What is referred to comes before what refers to it, and at last what makes the rest
/// somebody's books.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "catalogue",
        columns: &["version", "text", "applied_at_ms"],
        key: "version",
        kept: Kept::There,
    },
    Table {
        name: "customer",
        columns: &["id", "name", "email", "currency", "suspended", "created_at_ms"],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "wallet",
        columns: &["customer_id", "account_id", "balance_minor", "version"],
        key: "customer_id",
        kept: Kept::There,
    },
    Table {
        name: "api_key",
        columns: &[
            "id",
            "hash",
            "customer_id",
            "name",
            "allowed",
            "read_only",
            "repeat_window_ms",
            "requests_per_minute",
            "created_at_ms",
            "expires_at_ms",
            "revoked_at_ms",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "operator_token",
        columns: &["id", "hash", "name", "created_at_ms", "revoked_at_ms"],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "gateway_identity",
        columns: &["id", "key_sealed", "epoch"],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "gateway_node",
        columns: &[
            "id",
            "name",
            "gateways",
            "token_hash",
            "token_until_ms",
            "key_hash",
            "created_at_ms",
            "enrolled_at_ms",
            "removed_at_ms",
            "seen_at_ms",
            "report",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "limit_exception",
        columns: &[
            "customer_id",
            "lease_id",
            "connections",
            "new_connections_per_second",
            "bytes_per_second",
        ],
        key: "customer_id, lease_id",
        kept: Kept::There,
    },
    Table {
        name: "promo",
        columns: &[
            "id",
            "code",
            "discount_hundredths",
            "starts_at_ms",
            "ends_at_ms",
            "max_uses",
            "per_customer",
            "kinds",
            "for_orders",
            "for_extensions",
            "customer_id",
            "descriptions",
            "uses",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "promo_use",
        columns: &["promo_id", "customer_id", "uses"],
        key: "promo_id, customer_id",
        kept: Kept::There,
    },
    Table {
        name: "address",
        columns: &[
            "id",
            "product",
            "ip",
            "slot",
            "drawn",
            "gateway",
            "port",
            "rank",
            "lease_id",
            "free_at_ms",
            "modem",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "prefix",
        columns: &["id", "product", "base", "length", "gateway", "drawn"],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "gateway_port",
        columns: &["gateway", "next_port"],
        key: "gateway",
        kept: Kept::There,
    },
    Table {
        name: "customer_order",
        columns: &[
            "id",
            "customer_id",
            "product",
            "period_days",
            "quantity",
            "goal",
            "protocol",
            "rotation_seconds",
            "created_at_ms",
            "first_lease_id",
        ],
        key: "id",
        kept: Kept::ThereBut(FIRST_LEASE),
    },
    Table {
        name: "lease",
        columns: &[
            "id",
            "order_id",
            "customer_id",
            "product",
            "kind",
            "address_id",
            "state",
            "starts_at_ms",
            "ends_at_ms",
            "reserved_until_ms",
            "auto_extend_days",
            "retry_at_ms",
            "look_at_ms",
            "renew_card_id",
            "replaced_at_ms",
            "comment",
            "reboot_epoch",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "authorisation",
        columns: &[
            "id",
            "customer_id",
            "order_id",
            "active",
            "login",
            "password_sealed",
            "source_ip",
            "usual",
            "chosen",
            "shown",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "usual_login",
        columns: &["customer_id", "login", "password_sealed"],
        key: "customer_id",
        kept: Kept::There,
    },
    Table {
        name: "replacement",
        columns: &["lease_id", "entry_id", "from_address_id", "to_address_id"],
        key: "lease_id, entry_id",
        kept: Kept::There,
    },
    Table {
        name: "lease_count",
        columns: &["customer_id", "kind", "chunk", "live"],
        key: "customer_id, kind, chunk",
        kept: Kept::There,
    },
    Table {
        name: "entry",
        columns: &["id", "at_ms", "customer_id", "kind", "fingerprint", "postings", "body"],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "posting",
        columns: &["account_id", "version", "entry_id", "amount_minor", "balance_after_minor"],
        key: "account_id, version",
        kept: Kept::There,
    },
    Table {
        name: "answer",
        columns: &["customer_id", "key", "fingerprint", "entry_id", "refused", "until_ms"],
        key: "customer_id, key",
        kept: Kept::There,
    },
    Table {
        name: "payment",
        columns: &[
            "id",
            "customer_id",
            "amount_minor",
            "currency",
            "provider",
            "card_id",
            "purpose",
            "state",
            "declined",
            "finished",
            "entry_id",
            "created_at_ms",
            "changed_at_ms",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "card",
        columns: &[
            "id",
            "customer_id",
            "provider",
            "token_sealed",
            "brand",
            "last4",
            "month",
            "year",
            "created_at_ms",
            "removed",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "auto_top_up",
        columns: &[
            "customer_id",
            "currency",
            "enabled",
            "threshold_minor",
            "amount_minor",
            "card_id",
            "fails",
            "paused",
            "payment_id",
            "not_before_ms",
            "tried_at_ms",
            "last_status",
            "last_amount_minor",
            "last_at_ms",
            "last_declined",
            "counted_day",
            "counted_of_day",
            "counted_month",
            "counted_of_month",
        ],
        key: "customer_id",
        kept: Kept::There,
    },
    Table {
        name: "usage_day",
        columns: &["day", "lease_id", "customer_id", "bytes_up", "bytes_down", "flows"],
        key: "day, lease_id",
        kept: Kept::There,
    },
    Table {
        name: "meter",
        columns: &[
            "id",
            "gateway",
            "last_number",
            "part_day",
            "part_lease_id",
            "bytes_up",
            "bytes_down",
            "flows",
            "at_ms",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "modem",
        columns: &["name", "exit_ip", "exits", "dialing", "asked_at_ms", "rotation_id", "changed"],
        key: "name",
        kept: Kept::There,
    },
    Table {
        name: "rotation",
        columns: &[
            "id",
            "modem",
            "lease_id",
            "cause",
            "tries",
            "state",
            "until_ms",
            "old_ip",
            "new_ip",
            "failure",
            "asked_at_ms",
            "begun_at_ms",
            "ended_at_ms",
            "claim",
        ],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "exit_state",
        columns: &["id", "version", "next_rotation"],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "batch",
        columns: &["first_entry", "entries", "mark", "server_id", "number"],
        key: "first_entry",
        kept: Kept::Found(BATCHES),
    },
    Table { name: "feed", columns: &["id", "next_number"], key: "id", kept: Kept::Found(FEED) },
    Table {
        name: "number",
        columns: &[
            "id",
            "next_entry",
            "next_order",
            "next_lease",
            "next_address",
            "next_authorisation",
        ],
        key: "id",
        kept: Kept::With("state"),
    },
    Table {
        name: "state",
        columns: &["id", "catalogue_version", "keys_version", "sales_locked", "clock_offset_ms"],
        key: "id",
        kept: Kept::There,
    },
    Table {
        name: "installation",
        columns: &["id", "sandbox", "id_key", "key_fingerprint"],
        key: "id",
        kept: Kept::There,
    },
];

impl Table {
    /// Whether a SQLite file has a table of the same name.
    pub(super) fn is_there(&self) -> bool {
        matches!(self.kept, Kept::There | Kept::ThereBut(_))
    }

    /// Whether its key is text, of which other orders are known than that of its bytes.
    pub(crate) fn has_text_key(&self) -> bool {
        matches!(self.key, "gateway" | "name") || self.name == "meter"
    }

    /// The place of one of its columns.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| *name == column)
    }

    /// The statement that gives its rows from a SQLite file, in the order of its key.
    pub(super) fn kept(&self) -> String {
        let (columns, key) = (self.columns.join(", "), self.key);
        match self.kept {
            Kept::There => format!("SELECT {columns} FROM {} ORDER BY {key}", self.name),
            Kept::ThereBut(last) => {
                let columns = self.columns[..self.columns.len() - 1].join(", ");
                format!("SELECT {columns}, {last} FROM {} ORDER BY {key}", self.name)
            }
            Kept::With(table) => format!("SELECT {columns} FROM {table} ORDER BY {key}"),
            Kept::Found(statement) => statement.to_owned(),
        }
    }
}
