//! The methods of [`Remote`] of an object store.

use std::io::{self, Read};
use std::ops::Range;

use flow_core::{Remote, RemoteEntry, RemoteHold};

use super::ObjectRemote;
use crate::client::Object;
use crate::error::RemoteError;
use crate::lease::Work;
use crate::names;
use crate::parallel::REQUESTS;
use crate::segment::SMALL;

impl Remote for ObjectRemote {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.check_name(folder)?;
        if names::is_indexed(folder) {
            return Ok(self.with_index(|index| index.list(folder))?);
        }
        let objects = self.client().list(folder)?.into_iter();
        Ok(objects.map(|object| object.name).filter(|name| names::is_valid(name)).collect())
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        if names::is_indexed(name) {
            return Ok(self.entry(name)?.map(|entry| entry.bytes));
        }
        self.check_name(name)?;
        Ok(self.client().size(name)?)
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(self.get_by_name(name)?)
    }

    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()> {
        Ok(self.put_loose(name, content, bytes)?)
    }

    fn put_new(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<bool> {
        // A packed content has the name, too.
        if names::is_indexed(name) && self.entry(name)?.is_some() {
            return Ok(false);
        }
        Ok(self.create(name, content, bytes)?)
    }

    fn get_range(&self, name: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        let size = self.size(name)?.ok_or_else(|| self.client().missing(name))?;
        let range = range.start.min(size)..range.end.min(size);
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let packed = match names::is_indexed(name) {
            true => self.entry(name)?.filter(|entry| !entry.is_loose()),
            false => None,
        };
        match packed {
            Some(entry) => {
                let content = self.packed(&entry)?;
                Ok(content[range.start as usize..range.end as usize].to_vec())
            }
            None => Ok(self.client().get_range(name, range)?.to_vec()),
        }
    }

    fn delete(&self, name: &str) -> io::Result<()> {
        Ok(self.delete_all(&[name.to_owned()])?)
    }

    fn sizes(&self, names: &[String]) -> io::Result<Vec<Option<u64>>> {
        if !names.iter().all(|name| names::is_indexed(name)) {
            return names.iter().map(|name| self.size(name)).collect();
        }
        let sizes = self.with_index(|index| {
            let size = |name: &String| index.get(name).map(|entry| entry.bytes);
            names.iter().map(size).collect::<Vec<_>>()
        });
        Ok(sizes?)
    }

    fn get_many(&self, names: &[String], limit: u64) -> io::Result<Vec<Option<Vec<u8>>>> {
        Ok(self.get_all(names, limit)?)
    }

    fn put_many(&self, contents: &[(String, Vec<u8>)]) -> io::Result<()> {
        Ok(self.put_packed(contents)?)
    }

    fn packs_up_to(&self) -> u64 {
        SMALL
    }

    fn transfers(&self) -> Option<usize> {
        Some(REQUESTS)
    }

    fn entries(&self, folder: &str) -> io::Result<Vec<RemoteEntry>> {
        self.check_name(folder)?;
        if names::is_indexed(folder) {
            return Ok(self.with_index(|index| index.list_entries(folder))?);
        }
        let objects = self.client().list(folder)?.into_iter();
        let entries = objects.filter(|object| names::is_valid(&object.name));
        let entry =
            |object: Object| RemoteEntry::new(object.name, object.bytes, Some(object.modified));
        Ok(entries.map(entry).collect())
    }

    fn delete_many(&self, names: &[String]) -> io::Result<()> {
        Ok(self.delete_all(names)?)
    }

    fn refresh(&self) -> io::Result<()> {
        Ok(self.refresh_index()?)
    }

    fn hold(&self) -> io::Result<RemoteHold> {
        Ok(self.begin(Work::Push)?)
    }

    fn exclude_pushes(&self) -> io::Result<RemoteHold> {
        Ok(self.begin(Work::Collection)?)
    }

    /// Returns `false`, because the index knows all names: a list takes no request.
    fn prefers_few_lists(&self) -> bool {
        false
    }

    fn check(&self) -> io::Result<()> {
        let is_empty = self.with_refreshed(|index| index.is_empty() && !index.has_format)?;
        match is_empty {
            true => Err(RemoteError::NothingPushed { url: self.url().to_owned() }.into()),
            false => Ok(()),
        }
    }
}
