const _: () = ::protobuf::__internal::assert_compatible_gencode_version("0.36.2-release");
// This variable must not be referenced except by protobuf generated
// code.
pub(crate) static mut sample__Required_msg_init: ::protobuf::__internal::runtime::MiniTableInitPtr =
    ::protobuf::__internal::runtime::MiniTableInitPtr(::protobuf::__internal::runtime::MiniTablePtr::dangling());
#[allow(non_camel_case_types)]
pub struct Required {
  inner: ::protobuf::__internal::runtime::OwnedMessageInner<Required>
}

impl ::protobuf::Message for Required {
  type MessageView<'msg> = RequiredView<'msg>;
  type MessageMut<'msg> = RequiredMut<'msg>;
}

impl ::std::default::Default for Required {
  fn default() -> Self {
    Self::new()
  }
}

impl ::std::fmt::Debug for Required {
  fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
    write!(f, "{}", ::protobuf::__internal::runtime::debug_string(self))
  }
}

// SAFETY:
// - `Required` is `Sync` because it does not implement interior mutability.
//    Neither does `RequiredMut`.
unsafe impl ::std::marker::Sync for Required {}

// SAFETY:
// - `Required` is `Send` because it uniquely owns its arena and does
//   not use thread-local data.
unsafe impl ::std::marker::Send for Required {}

impl ::protobuf::Proxied for Required {
  type View<'msg> = RequiredView<'msg>;
}

impl ::protobuf::__internal::SealedInternal for Required {}

impl ::protobuf::MutProxied for Required {
  type Mut<'msg> = RequiredMut<'msg>;
}

#[derive(Copy, Clone)]
#[allow(dead_code)]
pub struct RequiredView<'msg> {
  inner: ::protobuf::__internal::runtime::MessageViewInner<'msg, Required>,
}

impl<'msg> ::protobuf::__internal::SealedInternal for RequiredView<'msg> {}

impl<'msg> ::protobuf::MessageView<'msg> for RequiredView<'msg> {
  type Message = Required;
}

impl ::std::fmt::Debug for RequiredView<'_> {
  fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
    write!(f, "{}", ::protobuf::__internal::runtime::debug_string(self))
  }
}

impl ::std::default::Default for RequiredView<'_> {
  fn default() -> RequiredView<'static> {
    ::protobuf::__internal::runtime::MessageViewInner::default().into()
  }
}

impl<'msg> From<::protobuf::__internal::runtime::MessageViewInner<'msg, Required>> for RequiredView<'msg> {
  fn from(inner: ::protobuf::__internal::runtime::MessageViewInner<'msg, Required>) -> Self {
    Self { inner }
  }
}

#[allow(dead_code)]
impl<'msg> RequiredView<'msg> {

  pub fn to_owned(&self) -> Required {
    ::protobuf::IntoProxied::into_proxied(*self, ::protobuf::__internal::Private)
  }

  // id: optional int32
  pub fn has_id(self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(0)
    }
  }
  pub fn id_opt(self) -> ::std::option::Option<i32> {
    self.has_id().then(|| self.id())
  }
  pub fn id(self) -> i32 {
    unsafe {
      // TODO: b/361751487: This .into() and .try_into() is only
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      // perfectly (and do an unchecked conversion for
      // i32->enum types, since even for closed enums we trust
      // upb to only return one of the named values).
      self.inner.ptr().get_i32_at_index(
        0, (0i32).into()
      ).try_into().unwrap()
    }
  }

  // child: optional message sample.Required
  pub fn has_child(self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(1)
    }
  }
  pub fn child_opt(self) -> ::std::option::Option<super::required_proto::RequiredView<'msg>> {
    self.has_child().then(|| self.child())
  }
  pub fn child(self) -> super::required_proto::RequiredView<'msg> {
    let submsg = unsafe {
      self.inner.ptr().get_message_at_index(1)
    };
    submsg
        .map(|ptr| unsafe { ::protobuf::__internal::runtime::MessageViewInner::wrap(ptr).into() })
       .unwrap_or(super::required_proto::RequiredView::default())
  }

}

// SAFETY:
// - `RequiredView` is `Sync` because it does not support mutation.
unsafe impl ::std::marker::Sync for RequiredView<'_> {}

// SAFETY:
// - `RequiredView` is `Send` because while its alive a `RequiredMut` cannot.
// - `RequiredView` does not use thread-local data.
unsafe impl ::std::marker::Send for RequiredView<'_> {}

impl<'msg> ::protobuf::AsView for RequiredView<'msg> {
  type Proxied = Required;
  fn as_view(&self) -> ::protobuf::View<'msg, Required> {
    *self
  }
}

impl<'msg> ::protobuf::IntoView<'msg> for RequiredView<'msg> {
  fn into_view<'shorter>(self) -> RequiredView<'shorter>
  where
      'msg: 'shorter {
    self
  }
}

impl<'msg> ::protobuf::IntoProxied<Required> for RequiredView<'msg> {
  fn into_proxied(self, _private: ::protobuf::__internal::Private) -> Required {
    let mut dst = Required::new();
    assert!(unsafe {
      dst.inner.ptr_mut().deep_copy(self.inner.ptr(), dst.inner.arena())
    });
    dst
  }
}

impl<'msg> ::protobuf::IntoProxied<Required> for RequiredMut<'msg> {
  fn into_proxied(self, _private: ::protobuf::__internal::Private) -> Required {
    ::protobuf::IntoProxied::into_proxied(::protobuf::IntoView::into_view(self), _private)
  }
}

impl ::protobuf::__internal::EntityType for Required {
    type Tag = ::protobuf::__internal::entity_tag::MessageTag;
}

impl<'msg> ::protobuf::__internal::EntityType for RequiredView<'msg> {
    type Tag = ::protobuf::__internal::entity_tag::ViewProxyTag;
}

impl<'msg> ::protobuf::__internal::EntityType for RequiredMut<'msg> {
    type Tag = ::protobuf::__internal::entity_tag::MutProxyTag;
}

#[allow(dead_code)]
#[allow(non_camel_case_types)]
pub struct RequiredMut<'msg> {
  inner: ::protobuf::__internal::runtime::MessageMutInner<'msg, Required>,
}

impl<'msg> ::protobuf::__internal::SealedInternal for RequiredMut<'msg> {}

impl<'msg> ::protobuf::MessageMut<'msg> for RequiredMut<'msg> {
  type Message = Required;
}

impl ::std::fmt::Debug for RequiredMut<'_> {
  fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
    write!(f, "{}", ::protobuf::__internal::runtime::debug_string(self))
  }
}

impl<'msg> From<::protobuf::__internal::runtime::MessageMutInner<'msg, Required>> for RequiredMut<'msg> {
  fn from(inner: ::protobuf::__internal::runtime::MessageMutInner<'msg, Required>) -> Self {
    Self { inner }
  }
}

#[allow(dead_code)]
impl<'msg> RequiredMut<'msg> {

  #[doc(hidden)]
  pub fn as_message_mut_inner(&mut self, _private: ::protobuf::__internal::Private)
    -> ::protobuf::__internal::runtime::MessageMutInner<'msg, Required> {
    self.inner.reborrow()
  }

  pub fn to_owned(&self) -> Required {
    ::protobuf::AsView::as_view(self).to_owned()
  }

  // id: optional int32
  pub fn has_id(&self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(0)
    }
  }
  pub fn clear_id(&mut self) {
    unsafe {
      self.inner.ptr().clear_field_at_index(
        0
      );
    }
  }
  pub fn id_opt(&self) -> ::std::option::Option<i32> {
    self.has_id().then(|| self.id())
  }
  pub fn id(&self) -> i32 {
    unsafe {
      // TODO: b/361751487: This .into() and .try_into() is only
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      // perfectly (and do an unchecked conversion for
      // i32->enum types, since even for closed enums we trust
      // upb to only return one of the named values).
      self.inner.ptr().get_i32_at_index(
        0, (0i32).into()
      ).try_into().unwrap()
    }
  }
  pub fn set_id(&mut self, val: i32) {
    unsafe {
      // TODO: b/361751487: This .into() is only here
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      //perfectly.
      self.inner.ptr_mut().set_base_field_i32_at_index(
        0, val.into()
      )
    }
  }

  // child: optional message sample.Required
  pub fn has_child(&self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(1)
    }
  }
  pub fn clear_child(&mut self) {
    unsafe {
      self.inner.ptr().clear_field_at_index(
        1
      );
    }
  }
  pub fn child_opt(&self) -> ::std::option::Option<super::required_proto::RequiredView<'_>> {
    self.has_child().then(|| self.child())
  }
  pub fn child(&self) -> super::required_proto::RequiredView<'_> {
    let submsg = unsafe {
      self.inner.ptr().get_message_at_index(1)
    };
    submsg
        .map(|ptr| unsafe { ::protobuf::__internal::runtime::MessageViewInner::wrap(ptr).into() })
       .unwrap_or(super::required_proto::RequiredView::default())
  }
  pub fn child_mut(&mut self) -> super::required_proto::RequiredMut<'_> {
     let ptr = unsafe {
       self.inner.ptr_mut().get_or_create_mutable_message_at_index(
         1, self.inner.arena()
       ).unwrap()
     };
     ::protobuf::__internal::runtime::MessageMutInner::from_parent(
         self.as_message_mut_inner(::protobuf::__internal::Private),
         ptr
     ).into()
  }
  pub fn set_child(&mut self,
    val: impl ::protobuf::IntoProxied<super::required_proto::Required>) {

    unsafe {
      ::protobuf::__internal::runtime::message_set_sub_message(
        ::protobuf::AsMut::as_mut(self).inner,
        1,
        val
      );
    }
  }

}

// SAFETY:
// - `RequiredMut` does not perform any shared mutation.
unsafe impl ::std::marker::Send for RequiredMut<'_> {}

// SAFETY:
// - `RequiredMut` does not perform any shared mutation.
unsafe impl ::std::marker::Sync for RequiredMut<'_> {}

impl<'msg> ::protobuf::AsView for RequiredMut<'msg> {
  type Proxied = Required;
  fn as_view(&self) -> ::protobuf::View<'_, Required> {
    self.inner.as_view().into()
  }
}

impl<'msg> ::protobuf::IntoView<'msg> for RequiredMut<'msg> {
  fn into_view<'shorter>(self) -> ::protobuf::View<'shorter, Required>
  where
      'msg: 'shorter {
    self.inner.as_view().into()
  }
}

impl<'msg> ::protobuf::AsMut for RequiredMut<'msg> {
  type MutProxied = Required;
  fn as_mut(&mut self) -> RequiredMut<'msg> {
    self.inner.reborrow().into()
  }
}

impl<'msg> ::protobuf::IntoMut<'msg> for RequiredMut<'msg> {
  fn into_mut<'shorter>(self) -> RequiredMut<'shorter>
  where
      'msg: 'shorter {
    self
  }
}

#[allow(dead_code)]
impl Required {
  pub fn new() -> Self {
    Self { inner: ::protobuf::__internal::runtime::OwnedMessageInner::<Self>::new() }
  }


  #[doc(hidden)]
  pub fn as_message_mut_inner(&mut self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessageMutInner<'_, Required> {
    ::protobuf::__internal::runtime::MessageMutInner::mut_of_owned(&mut self.inner)
  }

  pub fn as_view(&self) -> RequiredView<'_> {
    ::protobuf::__internal::runtime::MessageViewInner::view_of_owned(&self.inner).into()
  }

  pub fn as_mut(&mut self) -> RequiredMut<'_> {
    ::protobuf::__internal::runtime::MessageMutInner::mut_of_owned(&mut self.inner).into()
  }

  // id: optional int32
  pub fn has_id(&self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(0)
    }
  }
  pub fn clear_id(&mut self) {
    unsafe {
      self.inner.ptr().clear_field_at_index(
        0
      );
    }
  }
  pub fn id_opt(&self) -> ::std::option::Option<i32> {
    self.has_id().then(|| self.id())
  }
  pub fn id(&self) -> i32 {
    unsafe {
      // TODO: b/361751487: This .into() and .try_into() is only
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      // perfectly (and do an unchecked conversion for
      // i32->enum types, since even for closed enums we trust
      // upb to only return one of the named values).
      self.inner.ptr().get_i32_at_index(
        0, (0i32).into()
      ).try_into().unwrap()
    }
  }
  pub fn set_id(&mut self, val: i32) {
    unsafe {
      // TODO: b/361751487: This .into() is only here
      // here for the enum<->i32 case, we should avoid it for
      // other primitives where the types naturally match
      //perfectly.
      self.inner.ptr_mut().set_base_field_i32_at_index(
        0, val.into()
      )
    }
  }

  // child: optional message sample.Required
  pub fn has_child(&self) -> bool {
    unsafe {
      self.inner.ptr().has_field_at_index(1)
    }
  }
  pub fn clear_child(&mut self) {
    unsafe {
      self.inner.ptr().clear_field_at_index(
        1
      );
    }
  }
  pub fn child_opt(&self) -> ::std::option::Option<super::required_proto::RequiredView<'_>> {
    self.has_child().then(|| self.child())
  }
  pub fn child(&self) -> super::required_proto::RequiredView<'_> {
    let submsg = unsafe {
      self.inner.ptr().get_message_at_index(1)
    };
    submsg
        .map(|ptr| unsafe { ::protobuf::__internal::runtime::MessageViewInner::wrap(ptr).into() })
       .unwrap_or(super::required_proto::RequiredView::default())
  }
  pub fn child_mut(&mut self) -> super::required_proto::RequiredMut<'_> {
     let ptr = unsafe {
       self.inner.ptr_mut().get_or_create_mutable_message_at_index(
         1, self.inner.arena()
       ).unwrap()
     };
     ::protobuf::__internal::runtime::MessageMutInner::from_parent(
         self.as_message_mut_inner(::protobuf::__internal::Private),
         ptr
     ).into()
  }
  pub fn set_child(&mut self,
    val: impl ::protobuf::IntoProxied<super::required_proto::Required>) {

    unsafe {
      ::protobuf::__internal::runtime::message_set_sub_message(
        ::protobuf::AsMut::as_mut(self).inner,
        1,
        val
      );
    }
  }

}  // impl Required

impl ::std::ops::Drop for Required {
  #[inline]
  fn drop(&mut self) {
  }
}

impl ::std::clone::Clone for Required {
  fn clone(&self) -> Self {
    self.as_view().to_owned()
  }
}

impl ::protobuf::AsView for Required {
  type Proxied = Self;
  fn as_view(&self) -> RequiredView<'_> {
    self.as_view()
  }
}

impl ::protobuf::AsMut for Required {
  type MutProxied = Self;
  fn as_mut(&mut self) -> RequiredMut<'_> {
    self.as_mut()
  }
}

unsafe impl ::protobuf::__internal::runtime::AssociatedMiniTable for Required {
  fn mini_table() -> ::protobuf::__internal::runtime::MiniTablePtr {
    static ONCE_LOCK: ::std::sync::OnceLock<::protobuf::__internal::runtime::MiniTableInitPtr> =
        ::std::sync::OnceLock::new();
    unsafe {
      ONCE_LOCK.get_or_init(|| {
        super::required_proto::sample__Required_msg_init.0 =
            ::protobuf::__internal::runtime::build_mini_table("$(N3");
        ::protobuf::__internal::runtime::link_mini_table(
            super::required_proto::sample__Required_msg_init.0, &[super::required_proto::sample__Required_msg_init.0,
            ], &[]);
        ::protobuf::__internal::runtime::MiniTableInitPtr(super::required_proto::sample__Required_msg_init.0)
      }).0
    }
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetArena for Required {
  fn get_arena(&mut self, _private: ::protobuf::__internal::Private) -> &::protobuf::__internal::runtime::Arena {
    self.inner.arena()
  }
}

unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtrMut for Required {
  type Msg = Required;
  fn get_ptr_mut(&mut self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Required> {
    self.inner.ptr_mut()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtr for Required {
  type Msg = Required;
  fn get_ptr(&self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Required> {
    self.inner.ptr()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtrMut for RequiredMut<'_> {
  type Msg = Required;
  fn get_ptr_mut(&mut self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Required> {
    self.inner.ptr_mut()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtr for RequiredMut<'_> {
  type Msg = Required;
  fn get_ptr(&self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Required> {
    self.inner.ptr()
  }
}
unsafe impl ::protobuf::__internal::runtime::UpbGetMessagePtr for RequiredView<'_> {
  type Msg = Required;
  fn get_ptr(&self, _private: ::protobuf::__internal::Private) -> ::protobuf::__internal::runtime::MessagePtr<Required> {
    self.inner.ptr()
  }
}

unsafe impl ::protobuf::__internal::runtime::UpbGetArena for RequiredMut<'_> {
  fn get_arena(&mut self, _private: ::protobuf::__internal::Private) -> &::protobuf::__internal::runtime::Arena {
    self.inner.arena()
  }
}



