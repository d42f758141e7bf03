//! Whom the exchange knows, found by name and by number in the same time however many there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::settings::User;

/// The users by name, with an index of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Users {
    by_name: BTreeMap<String, User>,
    /// Names by number; several users may share one.
    by_number: HashMap<String, BTreeSet<String>>,
}

impl Users {
    /// Adds a user, or puts him in the place of the one of that name.
    pub fn insert(&mut self, name: String, user: User) {
        self.remove(&name);
        if let Some(number) = &user.number {
            self.by_number.entry(number.clone()).or_default().insert(name.clone());
        }
        self.by_name.insert(name, user);
    }

    /// Takes a user away.
    pub fn remove(&mut self, name: &str) -> Option<User> {
        let user = self.by_name.remove(name)?;
        if let Some(number) = &user.number
            && let Some(names) = self.by_number.get_mut(number)
        {
            names.remove(name);
            if names.is_empty() {
                self.by_number.remove(number);
            }
        }
        Some(user)
    }

    /// Changes a user, if there is one of that name.
    pub fn change(&mut self, name: &str, change: impl FnOnce(&mut User)) {
        if let Some(mut user) = self.remove(name) {
            change(&mut user);
            self.insert(name.to_owned(), user);
        }
    }

    pub fn get(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Those who have a number, by name.
    pub fn with_number(&self, number: &str) -> impl Iterator<Item = &str> {
        self.by_number.get(number).into_iter().flatten().map(String::as_str)
    }

    /// Whom a name stands for, else a number: his name, and himself.
    pub(crate) fn find(&self, text: &str) -> Option<(&str, &User)> {
        let by_number = || self.with_number(text).find_map(|name| self.by_name.get_key_value(name));
        let (name, user) = self.by_name.get_key_value(text).or_else(by_number)?;
        Some((name, user))
    }
}

impl FromIterator<(String, User)> for Users {
    fn from_iter<T: IntoIterator<Item = (String, User)>>(users: T) -> Users {
        let mut all = Users::default();
        users.into_iter().for_each(|(name, user)| all.insert(name, user));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: Option<&str>) -> User {
        User {
            number: number.map(str::to_owned),
            display_name: String::new(),
            offered: jackfield_sip::Offered::Md5,
            digests: jackfield_sip::Digests::default(),
            record: false,
            dtmf: crate::Dtmf::Auto,
            srtp: crate::SrtpPolicy::Off,
        }
    }

    fn found<'a>(users: &'a Users, text: &str) -> Option<&'a str> {
        users.find(text).map(|(name, _)| name)
    }

    #[test]
    fn a_name_comes_before_a_number_and_the_first_of_a_shared_number_is_found() {
        let rows = [("bob", Some("102")), ("alice", Some("102")), ("103", None), ("carol", Some("103"))];
        let users: Users = rows.map(|(name, number)| (name.to_owned(), user(number))).into_iter().collect();
        assert_eq!(found(&users, "102"), Some("alice"));
        assert_eq!(users.with_number("102").collect::<Vec<_>>(), ["alice", "bob"]);
        assert_eq!(found(&users, "103"), Some("103"));
        assert_eq!(users.with_number("103").collect::<Vec<_>>(), ["carol"]);
        assert_eq!(found(&users, "104"), None);
    }

    #[test]
    fn numbers_follow_their_users() {
        let mut users: Users = [("bob".to_owned(), user(Some("102")))].into_iter().collect();
        users.change("bob", |bob| bob.number = Some("202".to_owned()));
        assert_eq!((found(&users, "102"), found(&users, "202")), (None, Some("bob")));
        users.insert("bob".to_owned(), user(Some("302")));
        assert_eq!((found(&users, "202"), found(&users, "302")), (None, Some("bob")));
        users.change("zoe", |_| unreachable!("there is no zoe"));
        assert!(users.remove("bob").is_some() && users.remove("bob").is_none());
        assert_eq!((found(&users, "bob"), found(&users, "302")), (None, None));
        assert!(users.by_number.is_empty());
    }
}
