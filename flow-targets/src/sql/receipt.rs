//! Receipts: the file of an output whose rows are in a database.
//!
//! A receipt is JSON. It has the name of the table, the columns, the number of rows and their digest, and neither a time
//! nor the database, so that equal rows have equal receipts.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use flow_core::Source;
use serde::{Deserialize, Serialize};

/// The version of the form.
const FORMAT: u32 = 1;

/// The largest receipt that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// What was written to a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    format: u32,
    pub(crate) table: String,
    /// The key of the instance whose rows these are; empty if the table has no other rows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) key: String,
    pub(crate) rows: u64,
    /// The digest of the rows in order, 32 digits.
    pub(crate) digest: String,
    columns: Vec<Column>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    /// The lengths of the batches, if they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batches: Option<Vec<u64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    nullable: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

impl Receipt {
    /// Creates the receipt of a table without rows.
    ///
    /// # Errors
    ///
    /// The receipt cannot have the schema: it would be read back as another one.
    pub(crate) fn new(table: &str, key: &str, schema: &Schema) -> Result<Self> {
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
            nullable: field.is_nullable(),
            metadata: field.metadata().clone().into(),
        });
        let receipt = Self {
            format: FORMAT,
            table: table.to_owned(),
            key: key.to_owned(),
            rows: 0,
            digest: String::new(),
            columns: columns.collect(),
            metadata: schema.metadata().clone().into(),
            batches: None,
        };
        ensure!(
            *receipt.schema()? == *schema,
            "a table of a database cannot keep all properties of these columns: {schema}",
        );
        Ok(receipt)
    }

    /// Returns the columns as a schema.
    pub(crate) fn schema(&self) -> Result<SchemaRef> {
        let fields = self.columns.iter().map(|column| {
            let kind: DataType = column
                .kind
                .parse()
                .with_context(|| format!("column `{}` is of an unknown type", column.name))?;
            let field = Field::new(&column.name, kind, column.nullable);
            Ok(field.with_metadata(column.metadata.clone()))
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(Schema::new_with_metadata(fields, self.metadata.clone())))
    }

    /// Returns the bytes of the file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the file of an output. Returns the receipt with its bytes.
    pub(crate) fn read(source: &Source) -> Result<(Self, Vec<u8>)> {
        let bytes = source.read_within(LIMIT)?;
        let receipt: Self =
            serde_json::from_slice(&bytes).context("it is no receipt of a table")?;
        ensure!(
            receipt.format == FORMAT,
            "it has format {}, and this version reads format {FORMAT}",
            receipt.format,
        );
        Ok((receipt, bytes))
    }
}
