//! What a container holds.

use super::{Unfit, whole_numbers};
use crate::json::token::Reader;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

/// The items of an array, or the members of an object.
pub(super) struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    end: u8,
    begun: bool,
    ended: bool,
}

impl<'r, 'de> Items<'r, 'de> {
    /// Those from here on until `end`.
    pub fn new(reader: &'r mut Reader<'de>, end: u8) -> Self {
        Items { reader, end, begun: false, ended: false }
    }

    /// Moves to the next item. False: behind the end.
    fn advance(&mut self) -> Result<bool, Unfit> {
        self.reader.skip_space();
        self.ended = self.ended || self.reader.eat(self.end);
        if !self.ended && std::mem::replace(&mut self.begun, true) {
            self.reader.expect(b',')?;
        }
        Ok(!self.ended)
    }

    /// Moves behind the end, unless items are left.
    pub fn finish(&mut self) -> Result<(), Unfit> {
        if self.advance()? { Err(Unfit) } else { Ok(()) }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unfit> {
        if self.advance()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unfit> {
        if self.advance()? { seed.deserialize(Name(self.reader)).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Unfit> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// The name of a member or of a variant: a text, or a number in quotes.
struct Name<'r, 'de>(&'r mut Reader<'de>);

impl Name<'_, '_> {
    fn whole_number(self) -> Result<u64, Unfit> {
        self.0.expect(b'"')?;
        let digits = self.0.number().map_err(|_| Unfit)?;
        if self.0.eat(b'"') { digits.parse().map_err(|_| Unfit) } else { Err(Unfit) }
    }
}

impl<'de> Deserializer<'de> for Name<'_, 'de> {
    type Error = Unfit;

    whole_numbers!(deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
    forward_to_deserialize_any!(
        bool i8 i16 i32 i64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_str(&self.0.text()?)
    }
}

/// A variant of an enum: its name, or an object whose one member has that name.
pub(super) struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    has_value: bool,
}

impl<'r, 'de> Variant<'r, 'de> {
    /// The one whose name is next.
    pub fn new(reader: &'r mut Reader<'de>, has_value: bool) -> Self {
        Variant { reader, has_value }
    }

    fn value(self) -> Result<&'r mut Reader<'de>, Unfit> {
        if self.has_value { Ok(self.reader) } else { Err(Unfit) }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unfit;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Unfit> {
        let variant = seed.deserialize(Name(self.reader))?;
        if self.has_value {
            self.reader.expect(b':')?;
        }
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        if self.has_value { <()>::deserialize(self.reader) } else { Ok(()) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unfit> {
        seed.deserialize(self.value()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.value()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unfit> {
        self.value()?.deserialize_map(visitor)
    }
}
