const _: () = ::protobuf::__internal::assert_compatible_gencode_version("0.36.2-release");
// This variable must not be referenced except by protobuf generated
// code.
pub(crate) static mut sample__Sample_msg_init: ::protobuf::__internal::runtime::MiniTableInitPtr =
    ::protobuf::__internal::runtime::MiniTableInitPtr(::protobuf::__internal::runtime::MiniTablePtr::dangling());
#[allow(non_camel_case_types)]
pub struct Sample {
  inner: ::protobuf::__internal::runtime::OwnedMessageInner<Sample>
}

impl ::protobuf::Message for Sample {
  type MessageView<'msg> = SampleView<'msg>;
  type MessageMut<'msg> = SampleMut<'msg>;
}

impl ::std::default::Default for Sample {
  fn default() -> Self {
    Self::new()
  }
}

impl ::std::fmt::Debug for Sample {
  fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
    write!(f, "{}", ::protobuf::__internal::runtime::debug_string(self))
  }
}

// SAFETY:
// - `Sample` is `Sync` because it does not implement interior mutability.
//    Neither does `SampleMut`.
unsafe impl ::std::marker::Sync for Sample {}

// SAFETY:
// - `Sample` is `Send` because it uniquely owns its arena and does
//   not use thread-local data.
unsafe impl ::std::marker::Send for Sample {}

impl ::protobuf::Proxied for Sample {
  type View<'msg> = SampleView<'msg>;
}

impl ::protobuf::__internal::SealedInternal for Sample {}

impl ::protobuf::MutProxied for Sample {
  type Mut<'msg> = SampleMut<'msg>;
}

#[derive(Copy, Clone)]
#[allow(dead_code)]
pub struct SampleView<'msg> {
  inner: ::protobuf::__internal::runtime::MessageViewInner<'msg, Sample>,
}

impl<'msg> ::protobuf::__internal::SealedInternal for SampleView<'msg> {}

impl<'msg> ::protobuf::MessageView<'msg> for SampleView<'msg> {
  type Message = Sample;
}

impl ::std::fmt::Debug for SampleView<'_> {
  fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
    write!(f, "{}", ::protobuf::__internal::runtime::debug_string(self))
  }
}

impl ::std::default::Default for SampleView<'_> {
  fn default() -> SampleView<'static> {
    ::protobuf::__internal::runtime::MessageViewInner::default().into()
  }
}

impl<'msg> From<::protobuf::__internal::runtime::MessageViewInner<'msg, Sample>> for SampleView<'msg> {
  fn from(inner: ::protobuf::__internal::runtime::MessageViewInner<'msg, Sample>) -> Self {
    Self { inner }
  }
}

#[allow(dead_code)]
impl<'msg> SampleView<'msg> {

  pub fn to_owned(&self) -> Sample {
    ::protobuf::IntoProxied::into_proxied(*self, ::protobuf::__internal::Private)
  }

  // number: optional double
  pub fn number(self) -> f64 {
    unsafe {
      // TODO: b/361751487: This .into() and .try_into() is only
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      // perfectly (and do an unchecked conversion for
      // i32->enum types, since even for closed enums we trust
      // upb to only return one of the named values).
      self.inner.ptr().get_f64_at_index(
        0, (0f64).into()
      ).try_into().unwrap()
    }
  }

  // text: optional string
  pub fn text(self) -> ::protobuf::View<'msg, ::protobuf::ProtoString> {
    let str_view = unsafe {
      self.inner.ptr().get_string_at_index(
        1, (b"").into()
      )
    };
    ::protobuf::ProtoStr::from_utf8_unchecked(unsafe { str_view.as_ref() })
  }

  // counts: repeated message sample.Sample.CountsEntry
  pub fn counts(self)
    -> ::protobuf::MapView<'msg, ::protobuf::ProtoString, i32> {
    unsafe {
      <Self as ::protobuf::__internal::runtime::UpbGetMessagePtr>::get_ptr(&self, ::protobuf::__internal::Private)
        .get_map_at_index(2)
        .map_or_else(
          ::protobuf::__internal::runtime::empty_map::<::protobuf::ProtoString, i32>,
          |raw| ::protobuf::MapView::from_raw(::protobuf::__internal::Private, raw)
        )
    }
  }

  // child: optional message sample.Sample
  pub fn has_child(self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(3)
    }
  }
  pub fn child_opt(self) -> ::std::option::Option<super::sample_proto::SampleView<'msg>> {
    self.has_child().then(|| self.child())
  }
  pub fn child(self) -> super::sample_proto::SampleView<'msg> {
    let submsg = unsafe {
      self.inner.ptr().get_message_at_index(3)
    };
    submsg
        .map(|ptr| unsafe { ::protobuf::__internal::runtime::MessageViewInner::wrap(ptr).into() })
       .unwrap_or(super::sample_proto::SampleView::default())
  }

}

// SAFETY:
// - `SampleView` is `Sync` because it does not support mutation.
unsafe impl ::std::marker::Sync for SampleView<'_> {}

// SAFETY:
// - `SampleView` is `Send` because while its alive a `SampleMut` cannot.
// - `SampleView` does not use thread-local data.
unsafe impl ::std::marker::Send for SampleView<'_> {}

impl<'msg> ::protobuf::AsView for SampleView<'msg> {
  type Proxied = Sample;
  fn as_view(&self) -> ::protobuf::View<'msg, Sample> {
    *self
  }
}

impl<'msg> ::protobuf::IntoView<'msg> for SampleView<'msg> {
  fn into_view<'shorter>(self) -> SampleView<'shorter>
  where
      'msg: 'shorter {
    self
  }
}

impl<'msg> ::protobuf::IntoProxied<Sample> for SampleView<'msg> {
  fn into_proxied(self, _private: ::protobuf::__internal::Private) -> Sample {
    let mut dst = Sample::new();
    assert!(unsafe {
      dst.inner.ptr_mut().deep_copy(self.inner.ptr(), dst.inner.arena())
    });
    dst
  }
}

impl<'msg> ::protobuf::IntoProxied<Sample> for SampleMut<'msg> {
  fn into_proxied(self, _private: ::protobuf::__internal::Private) -> Sample {
    ::protobuf::IntoProxied::into_proxied(::protobuf::IntoView::into_view(self), _private)
  }
}

impl ::protobuf::__internal::EntityType for Sample {
    type Tag = ::protobuf::__internal::entity_tag::MessageTag;
}

impl<'msg> ::protobuf::__internal::EntityType for SampleView<'msg> {
    type Tag = ::protobuf::__internal::entity_tag::ViewProxyTag;
}

impl<'msg> ::protobuf::__internal::EntityType for SampleMut<'msg> {
    type Tag = ::protobuf::__internal::entity_tag::MutProxyTag;
}

#[allow(dead_code)]
#[allow(non_camel_case_types)]
pub struct SampleMut<'msg> {
  inner: ::protobuf::__internal::runtime::MessageMutInner<'msg, Sample>,
}

impl<'msg> ::protobuf::__internal::SealedInternal for SampleMut<'msg> {}

impl<'msg> ::protobuf::MessageMut<'msg> for SampleMut<'msg> {
  type Message = Sample;
}

impl ::std::fmt::Debug for SampleMut<'_> {
  fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
    write!(f, "{}", ::protobuf::__internal::runtime::debug_string(self))
  }
}

impl<'msg> From<::protobuf::__internal::runtime::MessageMutInner<'msg, Sample>> for SampleMut<'msg> {
  fn from(inner: ::protobuf::__internal::runtime::MessageMutInner<'msg, Sample>) -> Self {
    Self { inner }
  }
}

#[allow(dead_code)]
impl<'msg> SampleMut<'msg> {

  #[doc(hidden)]
  pub fn as_message_mut_inner(&mut self, _private: ::protobuf::__internal::Private)
    -> ::protobuf::__internal::runtime::MessageMutInner<'msg, Sample> {
    self.inner.reborrow()
  }

  pub fn to_owned(&self) -> Sample {
    ::protobuf::AsView::as_view(self).to_owned()
  }

  // number: optional double
  pub fn number(&self) -> f64 {
    unsafe {
      // TODO: b/361751487: This .into() and .try_into() is only
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      // perfectly (and do an unchecked conversion for
      // i32->enum types, since even for closed enums we trust
      // upb to only return one of the named values).
      self.inner.ptr().get_f64_at_index(
        0, (0f64).into()
      ).try_into().unwrap()
    }
  }
  pub fn set_number(&mut self, val: f64) {
    unsafe {
      // TODO: b/361751487: This .into() is only here
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      //perfectly.
      self.inner.ptr_mut().set_base_field_f64_at_index(
        0, val.into()
      )
    }
  }

  // text: optional string
  pub fn text(&self) -> ::protobuf::View<'_, ::protobuf::ProtoString> {
    let str_view = unsafe {
      self.inner.ptr().get_string_at_index(
        1, (b"").into()
      )
    };
    ::protobuf::ProtoStr::from_utf8_unchecked(unsafe { str_view.as_ref() })
  }
  pub fn set_text(&mut self, val: impl ::protobuf::IntoProxied<::protobuf::ProtoString>) {
    unsafe {
      ::protobuf::__internal::runtime::message_set_string_field(
        ::protobuf::AsMut::as_mut(self).inner,
        1,
        val);
    }
  }

  // counts: repeated message sample.Sample.CountsEntry
  pub fn counts(&self)
    -> ::protobuf::MapView<'_, ::protobuf::ProtoString, i32> {
    unsafe {
      <Self as ::protobuf::__internal::runtime::UpbGetMessagePtr>::get_ptr(&self, ::protobuf::__internal::Private)
        .get_map_at_index(2)
        .map_or_else(
          ::protobuf::__internal::runtime::empty_map::<::protobuf::ProtoString, i32>,
          |raw| ::protobuf::MapView::from_raw(::protobuf::__internal::Private, raw)
        )
    }
  }
  pub fn counts_mut(&mut self)
    -> ::protobuf::MapMut<'_, ::protobuf::ProtoString, i32> {
    unsafe {
      let raw_map = <Self as ::protobuf::__internal::runtime::UpbGetMessagePtrMut>::get_ptr_mut(self, ::protobuf::__internal::Private)
        .get_or_create_mutable_map_at_index(
          2, self.inner.arena()).unwrap();
      let inner = ::protobuf::__internal::runtime::InnerMapMut::new(
        raw_map, self.inner.arena());
      ::protobuf::MapMut::from_inner(::protobuf::__internal::Private, inner)
    }
  }
  pub fn set_counts(
      &mut self,
      src: impl ::protobuf::IntoProxied<::protobuf::Map<::protobuf::ProtoString, i32>>) {
    unsafe {
      ::protobuf::__internal::runtime::message_set_map_field(
        ::protobuf::AsMut::as_mut(self).inner,
        2,
        src);
    }
  }

  // child: optional message sample.Sample
  pub fn has_child(&self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(3)
    }
  }
  pub fn clear_child(&mut self) {
    unsafe {
      self.inner.ptr().clear_field_at_index(
        3
      );
    }
  }
  pub fn child_opt(&self) -> ::std::option::Option<super::sample_proto::SampleView<'_>> {
    self.has_child().then(|| self.child())
  }
  pub fn child(&self) -> super::sample_proto::SampleView<'_> {
    let submsg = unsafe {
      self.inner.ptr().get_message_at_index(3)
    };
    submsg
        .map(|ptr| unsafe { ::protobuf::__internal::runtime::MessageViewInner::wrap(ptr).into() })
       .unwrap_or(super::sample_proto::SampleView::default())
  }
  pub fn child_mut(&mut self) -> super::sample_proto::SampleMut<'_> {
     let ptr = unsafe {
       self.inner.ptr_mut().get_or_create_mutable_message_at_index(
         3, self.inner.arena()
       ).unwrap()
     };
     ::protobuf::__internal::runtime::MessageMutInner::from_parent(
         self.as_message_mut_inner(::protobuf::__internal::Private),
         ptr
     ).into()
  }
  pub fn set_child(&mut self,
    val: impl ::protobuf::IntoProxied<super::sample_proto::Sample>) {

    unsafe {
      ::protobuf::__internal::runtime::message_set_sub_message(
        ::protobuf::AsMut::as_mut(self).inner,
        3,
        val
      );
    }
  }

}

// SAFETY:
// - `SampleMut` does not perform any shared mutation.
unsafe impl ::std::marker::Send for SampleMut<'_> {}

// SAFETY:
// - `SampleMut` does not perform any shared mutation.
unsafe impl ::std::marker::Sync for SampleMut<'_> {}

impl<'msg> ::protobuf::AsView for SampleMut<'msg> {
  type Proxied = Sample;
  fn as_view(&self) -> ::protobuf::View<'_, Sample> {
    self.inner.as_view().into()
  }
}

impl<'msg> ::protobuf::IntoView<'msg> for SampleMut<'msg> {
  fn into_view<'shorter>(self) -> ::protobuf::View<'shorter, Sample>
  where
      'msg: 'shorter {
    self.inner.as_view().into()
  }
}

impl<'msg> ::protobuf::AsMut for SampleMut<'msg> {
  type MutProxied = Sample;
  fn as_mut(&mut self) -> SampleMut<'msg> {
    self.inner.reborrow().into()
  }
}

impl<'msg> ::protobuf::IntoMut<'msg> for SampleMut<'msg> {
  fn into_mut<'shorter>(self) -> SampleMut<'shorter>
  where
      'msg: 'shorter {
    self
  }
}

#[allow(dead_code)]
impl Sample {
  pub fn new() -> Self {
    Self { inner: ::protobuf::__internal::runtime::OwnedMessageInner::<Self>::new() }
  }


  #[doc(hidden)]
  pub fn as_message_mut_inner(&mut self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessageMutInner<'_, Sample> {
    ::protobuf::__internal::runtime::MessageMutInner::mut_of_owned(&mut self.inner)
  }

  pub fn as_view(&self) -> SampleView<'_> {
    ::protobuf::__internal::runtime::MessageViewInner::view_of_owned(&self.inner).into()
  }

  pub fn as_mut(&mut self) -> SampleMut<'_> {
    ::protobuf::__internal::runtime::MessageMutInner::mut_of_owned(&mut self.inner).into()
  }

  // number: optional double
  pub fn number(&self) -> f64 {
    unsafe {
      // TODO: b/361751487: This .into() and .try_into() is only
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      // perfectly (and do an unchecked conversion for
      // i32->enum types, since even for closed enums we trust
      // upb to only return one of the named values).
      self.inner.ptr().get_f64_at_index(
        0, (0f64).into()
      ).try_into().unwrap()
    }
  }
  pub fn set_number(&mut self, val: f64) {
    unsafe {
      // TODO: b/361751487: This .into() is only here
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      //perfectly.
      self.inner.ptr_mut().set_base_field_f64_at_index(
        0, val.into()
      )
    }
  }

  // text: optional string
  pub fn text(&self) -> ::protobuf::View<'_, ::protobuf::ProtoString> {
    let str_view = unsafe {
      self.inner.ptr().get_string_at_index(
        1, (b"").into()
      )
    };
    ::protobuf::ProtoStr::from_utf8_unchecked(unsafe { str_view.as_ref() })
  }
  pub fn set_text(&mut self, val: impl ::protobuf::IntoProxied<::protobuf::ProtoString>) {
    unsafe {
      ::protobuf::__internal::runtime::message_set_string_field(
        ::protobuf::AsMut::as_mut(self).inner,
        1,
        val);
    }
  }

  // counts: repeated message sample.Sample.CountsEntry
  pub fn counts(&self)
    -> ::protobuf::MapView<'_, ::protobuf::ProtoString, i32> {
    unsafe {
      <Self as ::protobuf::__internal::runtime::UpbGetMessagePtr>::get_ptr(&self, ::protobuf::__internal::Private)
        .get_map_at_index(2)
        .map_or_else(
          ::protobuf::__internal::runtime::empty_map::<::protobuf::ProtoString, i32>,
          |raw| ::protobuf::MapView::from_raw(::protobuf::__internal::Private, raw)
        )
    }
  }
  pub fn counts_mut(&mut self)
    -> ::protobuf::MapMut<'_, ::protobuf::ProtoString, i32> {
    unsafe {
      let raw_map = <Self as ::protobuf::__internal::runtime::UpbGetMessagePtrMut>::get_ptr_mut(self, ::protobuf::__internal::Private)
        .get_or_create_mutable_map_at_index(
          2, self.inner.arena()).unwrap();
      let inner = ::protobuf::__internal::runtime::InnerMapMut::new(
        raw_map, self.inner.arena());
      ::protobuf::MapMut::from_inner(::protobuf::__internal::Private, inner)
    }
  }
  pub fn set_counts(
      &mut self,
      src: impl ::protobuf::IntoProxied<::protobuf::Map<::protobuf::ProtoString, i32>>) {
    unsafe {
      ::protobuf::__internal::runtime::message_set_map_field(
        ::protobuf::AsMut::as_mut(self).inner,
        2,
        src);
    }
  }

  // child: optional message sample.Sample
  pub fn has_child(&self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(3)
    }
  }
  pub fn clear_child(&mut self) {
    unsafe {
      self.inner.ptr().clear_field_at_index(
        3
      );
    }
  }
  pub fn child_opt(&self) -> ::std::option::Option<super::sample_proto::SampleView<'_>> {
    self.has_child().then(|| self.child())
  }
  pub fn child(&self) -> super::sample_proto::SampleView<'_> {
    let submsg = unsafe {
      self.inner.ptr().get_message_at_index(3)
    };
    submsg
        .map(|ptr| unsafe { ::protobuf::__internal::runtime::MessageViewInner::wrap(ptr).into() })
       .unwrap_or(super::sample_proto::SampleView::default())
  }
  pub fn child_mut(&mut self) -> super::sample_proto::SampleMut<'_> {
     let ptr = unsafe {
       self.inner.ptr_mut().get_or_create_mutable_message_at_index(
         3, self.inner.arena()
       ).unwrap()
     };
     ::protobuf::__internal::runtime::MessageMutInner::from_parent(
         self.as_message_mut_inner(::protobuf::__internal::Private),
         ptr
     ).into()
  }
  pub fn set_child(&mut self,
    val: impl ::protobuf::IntoProxied<super::sample_proto::Sample>) {

    unsafe {
      ::protobuf::__internal::runtime::message_set_sub_message(
        ::protobuf::AsMut::as_mut(self).inner,
        3,
        val
      );
    }
  }

}  // impl Sample

impl ::std::ops::Drop for Sample {
  #[inline]
  fn drop(&mut self) {
  }
}

impl ::std::clone::Clone for Sample {
  fn clone(&self) -> Self {
    self.as_view().to_owned()
  }
}

impl ::protobuf::AsView for Sample {
  type Proxied = Self;
  fn as_view(&self) -> SampleView<'_> {
    self.as_view()
  }
}

impl ::protobuf::AsMut for Sample {
  type MutProxied = Self;
  fn as_mut(&mut self) -> SampleMut<'_> {
    self.as_mut()
  }
}

unsafe impl ::protobuf::__internal::runtime::AssociatedMiniTable for Sample {
  fn mini_table() -> ::protobuf::__internal::runtime::MiniTablePtr {
    static ONCE_LOCK: ::std::sync::OnceLock<::protobuf::__internal::runtime::MiniTableInitPtr> =
        ::std::sync::OnceLock::new();
    unsafe {
      ONCE_LOCK.get_or_init(|| {
        super::sample_proto::sample__Sample_msg_init.0 =
            ::protobuf::__internal::runtime::build_mini_table("$ P1XG3");
        ::protobuf::__internal::runtime::link_mini_table(
            super::sample_proto::sample__Sample_msg_init.0, &[<super::sample_proto::sample::CountsEntry as ::protobuf::__internal::runtime::AssociatedMiniTable>::mini_table(),
            super::sample_proto::sample__Sample_msg_init.0,
            ], &[]);
        ::protobuf::__internal::runtime::MiniTableInitPtr(super::sample_proto::sample__Sample_msg_init.0)
      }).0
    }
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetArena for Sample {
  fn get_arena(&mut self, _private: ::protobuf::__internal::Private) -> &::protobuf::__internal::runtime::Arena {
    self.inner.arena()
  }
}

unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtrMut for Sample {
  type Msg = Sample;
  fn get_ptr_mut(&mut self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Sample> {
    self.inner.ptr_mut()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtr for Sample {
  type Msg = Sample;
  fn get_ptr(&self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Sample> {
    self.inner.ptr()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtrMut for SampleMut<'_> {
  type Msg = Sample;
  fn get_ptr_mut(&mut self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Sample> {
    self.inner.ptr_mut()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtr for SampleMut<'_> {
  type Msg = Sample;
  fn get_ptr(&self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Sample> {
    self.inner.ptr()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtr for SampleView<'_> {
  type Msg = Sample;
  fn get_ptr(&self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Sample> {
    self.inner.ptr()
  }
}

unsafe impl ::protobuf::__internal::runtime::UpbGetArena for SampleMut<'_> {
  fn get_arena(&mut self, _private: ::protobuf::__internal::Private) -> &::protobuf::__internal::runtime::Arena {
    self.inner.arena()
  }
}

pub mod sample {// This variable must not be referenced except by protobuf generated
// code.
pub(crate) static mut sample__Sample__CountsEntry_msg_init: ::protobuf::__internal::runtime::MiniTableInitPtr =
    ::protobuf::__internal::runtime::MiniTableInitPtr(::protobuf::__internal::runtime::MiniTablePtr::dangling());
#[allow(dead_code)]
pub(super) struct CountsEntry;

unsafe impl ::protobuf::__internal::runtime::AssociatedMiniTable for CountsEntry {
  fn mini_table() -> ::protobuf::__internal::runtime::MiniTablePtr {
    static ONCE_LOCK: ::std::sync::OnceLock<::protobuf::__internal::runtime::MiniTableInitPtr> =
        ::std::sync::OnceLock::new();
    unsafe {
      ONCE_LOCK.get_or_init(|| {
        super::super::sample_proto::sample::sample__Sample__CountsEntry_msg_init.0 =
            ::protobuf::__internal::runtime::build_mini_table("%1X(P");
        ::protobuf::__internal::runtime::link_mini_table(
            super::super::sample_proto::sample::sample__Sample__CountsEntry_msg_init.0, &[], &[]);
        ::protobuf::__internal::runtime::MiniTableInitPtr(super::super::sample_proto::sample::sample__Sample__CountsEntry_msg_init.0)
      }).0
    }
  }
}

}  // pub mod sample


