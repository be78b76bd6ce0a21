//! `sublet backup`: a copy of the books.

use std::path::PathBuf;

use clap::Args;

use crate::problem::Problem;
use crate::progress;
use crate::shop::Shop;

#[derive(Debug, Args)]
#[command(after_help = "\
Example: sublet backup /srv/backups/sublet-2026-12-01.db

The copy holds the books as they are at one moment; work goes on meanwhile. The key file is not in
it: keep it elsewhere, since without it nobody can read the proxy passwords of a backup.")]
pub(super) struct Backup {
    /// The new file
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let bar = progress::bar(0, "pages copied");
        shop.store.backup(&self.file, &mut |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        let bytes = std::fs::metadata(&self.file)?.len();
        let shown = self.file.display().to_string();
        let result = serde_json::json!({ "backup": shown, "bytes": bytes });
        shop.console.result(&result, &[("backup", shown), ("bytes", bytes.to_string())])?;
        let key = shop.key_file.display().to_string();
        shop.console.note(&format!("Keep the key file {key} too, and not beside the backup."));
        Ok(())
    }
}
