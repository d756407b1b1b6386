//! What the columns of other products' exports hold. The console reads the same file.

use super::column::Column;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The exports that are known, and other names for Roster's own columns.
#[derive(Deserialize)]
pub struct Presets {
    /// Names without anything but letters and digits, in lower case, by the name of their place.
    aliases: BTreeMap<String, Vec<String>>,
    presets: Vec<Preset>,
}

#[derive(Deserialize)]
pub struct Preset {
    pub name: String,
    /// A file that has all these columns is one of this product.
    header: Vec<String>,
    /// The places of columns, none for those that are left out. The others are guessed.
    pub columns: BTreeMap<String, Vec<String>>,
    /// Members whose own members count as columns: an object's, or a list's of `Name` and `Value`.
    #[serde(default)]
    pub spread: Vec<String>,
    /// Whether its texts begin with an apostrophe that is to be dropped.
    #[serde(default)]
    pub apostrophes: bool,
    /// What a record must have to be one of a user.
    #[serde(default)]
    pub only: BTreeMap<String, String>,
}

pub static PRESETS: LazyLock<Presets> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../web/console/data/presets.json"))
        .unwrap_or(Presets { aliases: BTreeMap::new(), presets: Vec::new() })
});

impl Presets {
    /// The product whose export has these columns.
    pub fn of_header(&self, names: &[String]) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.header.iter().all(|name| names.contains(name)))
    }

    /// The place that a name may mean.
    pub fn alias(&self, name: &str) -> Option<Column> {
        let letters: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        let (place, _) = self.aliases.iter().find(|(_, aliases)| aliases.contains(&letters))?;
        Column::parse(place)
    }
}
