//! A body whose frames pass through a filter.
//!
//! The rules around a call change one thing of a body each: they replace a frame, end it early, or
//! hold a value for as long as it lasts. This is the one implementation of [`Body`] that they
//! share, so that a rule states only what it changes. Filters are static types: the path of a unary
//! call has no dynamic dispatch and no allocation for them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The result of polling a body for a frame.
pub type PolledFrame<E> = Option<Result<Frame<Bytes>, E>>;

/// What a rule changes of a body `B`. By default nothing.
pub trait BodyFilter<B: Body<Data = Bytes> + Unpin> {
    /// Polls `body` for the next frame, and returns what takes its place.
    ///
    /// If it closes `body`, the returned frame is the last one and the filter is not polled again.
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        body.poll_frame(cx)
    }

    /// Whether no more frames follow while `body` is open.
    fn is_end_stream(&self, body: &B) -> bool {
        body.is_end_stream()
    }

    /// The size of what follows while `body` is open.
    fn size_hint(&self, body: &B) -> SizeHint {
        body.size_hint()
    }
}

/// The body behind a filter, until the filter closes it.
#[derive(Debug)]
pub struct Source<B>(Option<B>);

impl<B: Body<Data = Bytes> + Unpin> Source<B> {
    /// Polls the body for the next frame.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<PolledFrame<B::Error>> {
        self.0.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    /// Whether no more frames follow.
    pub fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(B::is_end_stream)
    }

    /// Drops the body, which ends the filtered body, too.
    pub fn close(&mut self) {
        self.0 = None;
    }

    /// Returns the body, which ends the filtered body.
    pub fn take(&mut self) -> Option<B> {
        self.0.take()
    }
}

/// A body behind a filter.
#[derive(Debug)]
pub struct FilteredBody<B, F> {
    source: Source<B>,
    filter: F,
}

impl<B, F> FilteredBody<B, F> {
    /// Passes the frames of `body` through `filter`.
    pub fn new(body: B, filter: F) -> Self {
        Self { source: Source(Some(body)), filter }
    }
}

/// An empty body.
impl<B, F: Default> Default for FilteredBody<B, F> {
    fn default() -> Self {
        Self { source: Source(None), filter: F::default() }
    }
}

impl<B, F> Body for FilteredBody<B, F>
where
    B: Body<Data = Bytes> + Unpin,
    F: BodyFilter<B> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<PolledFrame<B::Error>> {
        let this = &mut *self;
        if this.source.0.is_none() {
            return Poll::Ready(None);
        }
        this.filter.poll_frame(&mut this.source, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.source.0.as_ref().is_none_or(|body| self.filter.is_end_stream(body))
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.source.0.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), |body| self.filter.size_hint(body))
    }
}

/// A filter that changes nothing and holds a value until the body is dropped.
#[derive(Debug, Default)]
pub struct Hold<T>(T);

impl<T> Hold<T> {
    /// Holds `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }
}

impl<B: Body<Data = Bytes> + Unpin, T> BodyFilter<B> for Hold<T> {}

#[cfg(test)]
mod tests {
    use super::{BodyFilter, FilteredBody, Hold, PolledFrame, Source};
    use bytes::Bytes;
    use http_body::{Body, Frame};
    use http_body_util::{BodyExt, Full};
    use std::convert::Infallible;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    /// Replaces the first frame and ends the body.
    struct ReplaceAll;

    impl BodyFilter<Full<Bytes>> for ReplaceAll {
        fn poll_frame(
            &mut self,
            body: &mut Source<Full<Bytes>>,
            _: &mut Context<'_>,
        ) -> Poll<PolledFrame<Infallible>> {
            body.close();
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"replaced")))))
        }
    }

    #[tokio::test]
    async fn closing_the_source_ends_the_body() {
        let mut body = FilteredBody::new(Full::from("message"), ReplaceAll);
        assert!(!body.is_end_stream());
        let frame = body.frame().await.expect("a frame").expect("a frame");
        assert_eq!(frame.into_data().expect("data"), "replaced");
        assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn a_held_value_lives_as_long_as_the_body() {
        let value = Rc::new(());
        let mut body = FilteredBody::new(Full::from("message"), Hold::new(Rc::clone(&value)));
        assert_eq!(body.size_hint().exact(), Some(7));
        let frame = body.frame().await.expect("a frame").expect("a frame");
        assert_eq!(frame.into_data().expect("data"), "message");
        assert_eq!(Rc::strong_count(&value), 2);
        drop(body);
        assert_eq!(Rc::strong_count(&value), 1);
    }
}
