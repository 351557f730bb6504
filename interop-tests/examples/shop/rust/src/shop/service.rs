//! The methods of the service.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use prost::DecodeError;
use prost_types::Duration;
use tonic::{Request, Response, Status, Streaming};

use super::basket::Basket;
use super::call::{Call, Locale};
use super::errors::ShopError;
use super::product_import::ProductImport;
use super::store::Store;
use super::trailing_metadata::TrailingMetadata;
use super::validation::{Violations, is_id};
use super::{orders, update_mask};
use crate::proto::shop_server::Shop;
use crate::proto::{
    Category, CreateProductRequest, DeleteProductRequest, EditBasketRequest, EditBasketResponse,
    GetCategoryRequest, GetProductRequest, ImportProductsRequest, ImportProductsResponse,
    ListProductsRequest, ListProductsResponse, Order, OrderEvent, OrderState, PlaceOrderRequest,
    Product, SearchProductsRequest, SearchProductsResponse, UpdateProductRequest,
    WatchOrderRequest,
};

const DEFAULT_PAGE_SIZE: usize = 5;
const LARGEST_PAGE_SIZE: usize = 50;
/// A page token is the last id of the previous page, after this prefix.
const AFTER: &str = "after:";

/// How long after the order each state is reached.
const PROGRESS: [(OrderState, Duration); 4] = [
    (OrderState::Placed, Duration { seconds: 0, nanos: 0 }),
    (OrderState::Packed, Duration { seconds: 90 * 60, nanos: 0 }),
    (OrderState::Shipped, Duration { seconds: 24 * 60 * 60, nanos: 500_000_000 }),
    (OrderState::Delivered, Duration { seconds: 3 * 24 * 60 * 60, nanos: 0 }),
];

/// The responses of a method.
type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Implements `shop.v1.Shop`.
#[derive(Debug)]
pub(crate) struct ShopService {
    store: Store,
}

#[tonic::async_trait]
impl Shop for ShopService {
    type SearchProductsStream = Responses<SearchProductsResponse>;
    type WatchOrderStream = Responses<OrderEvent>;
    type EditBasketStream = Responses<EditBasketResponse>;

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<Product>, Status> {
        let (call, request) = Call::split(request);
        let product = self.product(&request).map_err(|error| error.status(call.locale))?;
        let mut response = Response::new(localized(product, call.locale));
        call.return_locale(response.metadata_mut());
        Ok(response)
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let (call, request) = Call::split(request);
        self.page(&request).map(Response::new).map_err(|error| error.status(call.locale))
    }

    async fn create_product(
        &self,
        request: Request<CreateProductRequest>,
    ) -> Result<Response<Product>, Status> {
        let (call, request) = Call::split(request);
        let product = self.create(request).map_err(|error| error.status(call.locale))?;
        let mut response = Response::new(product);
        call.return_request_id(response.metadata_mut());
        Ok(response)
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<Product>, Status> {
        let (call, request) = Call::split(request);
        self.update(request).map(Response::new).map_err(|error| error.status(call.locale))
    }

    async fn delete_product(
        &self,
        request: Request<DeleteProductRequest>,
    ) -> Result<Response<()>, Status> {
        let (call, request) = Call::split(request);
        self.delete(&request).map(Response::new).map_err(|error| error.status(call.locale))
    }

    async fn get_category(
        &self,
        request: Request<GetCategoryRequest>,
    ) -> Result<Response<Category>, Status> {
        let (call, request) = Call::split(request);
        self.category(&request).map(Response::new).map_err(|error| error.status(call.locale))
    }

    async fn search_products(
        &self,
        request: Request<SearchProductsRequest>,
    ) -> Result<Response<Self::SearchProductsStream>, Status> {
        let (call, request) = Call::split(request);
        let locale = call.locale;
        let found = self.search(&request, locale).map_err(|error| error.status(locale))?;
        let limit = request.limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.filter(|limit| found.len() > *limit);
        let trailing = TrailingMetadata::default();
        if limit.is_none() {
            trailing.set("shop-found", &found.len().to_string());
        }
        let error = limit.map(|limit| {
            Err(ShopError::TooManyResults { limit, found: found.len() }.status(locale))
        });
        let shown = found.into_iter().take(limit.unwrap_or(usize::MAX));
        let responses = (1..)
            .zip(shown)
            .map(|(number, product)| Ok(SearchProductsResponse { number, product: Some(product) }));
        let responses: Vec<_> = responses.chain(error).collect();
        let mut response = trailing.with(stream::iter(responses).boxed());
        call.return_locale(response.metadata_mut());
        Ok(response)
    }

    async fn import_products(
        &self,
        request: Request<Streaming<ImportProductsRequest>>,
    ) -> Result<Response<ImportProductsResponse>, Status> {
        let (call, mut requests) = Call::split(request);
        let mut started: Option<ProductImport> = None;
        let mut indexes = 0..;
        while let (Some(request), Some(index)) = (requests.message().await?, indexes.next()) {
            let import = self.import(started, &request.shop);
            let mut import = import.map_err(|error| error.status(call.locale))?;
            import.add(index, request.item);
            started = Some(import);
        }
        let Some(import) = started else {
            return Ok(Response::new(ImportProductsResponse::default()));
        };
        self.store.open(&import.shop, |shop| shop.products.extend(import.accepted));
        Ok(Response::new(import.summary))
    }

    async fn place_order(
        &self,
        request: Request<PlaceOrderRequest>,
    ) -> Result<Response<Order>, Status> {
        let (call, request) = Call::split(request);
        let order = self.order(request).map_err(|error| error.status(call.locale))?;
        let trailing = TrailingMetadata::default();
        if let Some(total) = &order.total {
            let total = format!("{}.{:09} {}", total.units, total.nanos, total.currency_code);
            trailing.set("shop-total", &total);
        }
        let mut response = trailing.with(order);
        call.return_request_id(response.metadata_mut());
        Ok(response)
    }

    async fn watch_order(
        &self,
        request: Request<WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let (call, request) = Call::split(request);
        let order = self.watched(&request).map_err(|error| error.status(call.locale))?;
        let states = PROGRESS.into_iter().filter(|(state, _)| *state as i32 >= request.first_state);
        let events = (1..).zip(states).map(|(number, (state, elapsed))| OrderEvent {
            number,
            state: state.into(),
            elapsed: Some(elapsed),
            order: (number == 1).then(|| order.clone()),
        });
        let events: Vec<_> = events.map(Ok).collect();
        Ok(Response::new(stream::iter(events).boxed()))
    }

    async fn edit_basket(
        &self,
        request: Request<Streaming<EditBasketRequest>>,
    ) -> Result<Response<Self::EditBasketStream>, Status> {
        let (call, requests) = Call::split(request);
        let basket = Basket::new(self.store.open("", |shop| shop.products.clone()));
        let trailing = TrailingMetadata::default();
        let steps = trailing.clone();
        let responses =
            stream::try_unfold((requests, basket), move |(mut requests, mut basket)| {
                let (steps, locale) = (steps.clone(), call.locale);
                async move {
                    let Some(request) = requests.message().await? else {
                        steps.set("shop-steps", &basket.steps.to_string());
                        return Ok(None);
                    };
                    let response = basket.edit(request.action);
                    let response = response.map_err(|error| error.status(locale))?;
                    Ok(Some((response, (requests, basket))))
                }
            });
        Ok(trailing.with(responses.boxed()))
    }
}

impl ShopService {
    /// A service without stored products.
    pub(crate) fn new() -> Result<Self, DecodeError> {
        Ok(Self { store: Store::new()? })
    }

    fn product(&self, request: &GetProductRequest) -> Result<Product, ShopError> {
        let mut violations = Violations::default();
        violations.check_shop(&request.shop);
        violations.check_id("product_id", &request.product_id);
        violations.check()?;
        self.store.open(&request.shop, |shop| shop.product(&request.product_id).cloned())
    }

    fn page(&self, request: &ListProductsRequest) -> Result<ListProductsResponse, ShopError> {
        let mut violations = Violations::default();
        violations.check_shop(&request.shop);
        let size = usize::try_from(request.page_size);
        if size.is_err() {
            violations.add("page_size", "must not be negative");
        }
        let after = request.page_token.strip_prefix(AFTER).filter(|after| is_id(after));
        if after.is_none() && !request.page_token.is_empty() {
            violations.add("page_token", "must be the token of another page");
        }
        violations.check()?;
        let size = size.ok().filter(|size| *size > 0).unwrap_or(DEFAULT_PAGE_SIZE);
        let size = size.min(LARGEST_PAGE_SIZE);
        let after = after.unwrap_or_default();
        self.store.open(&request.shop, |shop| {
            let has_state = |product: &&Product| {
                request.states.is_empty() || request.states.contains(&product.state)
            };
            let products: Vec<_> = shop.products.values().filter(has_state).collect();
            let remaining = products.iter().filter(|product| *product.id > *after);
            let remaining: Vec<_> = remaining.copied().collect();
            let page: Vec<_> = remaining.iter().copied().take(size).cloned().collect();
            let last = page.last().filter(|_| remaining.len() > size);
            Ok(ListProductsResponse {
                next_page_token: last.map(|it| format!("{AFTER}{}", it.id)).unwrap_or_default(),
                total_size: i32::try_from(products.len()).unwrap_or(i32::MAX),
                products: page,
            })
        })
    }

    fn create(&self, request: CreateProductRequest) -> Result<Product, ShopError> {
        let CreateProductRequest { shop, product } = request;
        let mut product = product.unwrap_or_default();
        let mut violations = Violations::default();
        violations.check_shop(&shop);
        violations.check_product("product", &product, !shop.is_empty());
        violations.check()?;
        product.revision = 1;
        self.store.open(&shop, |shop| {
            if shop.products.contains_key(&product.id) {
                return Err(ShopError::AlreadyExists { kind: "product", name: product.id });
            }
            shop.products.insert(product.id.clone(), product.clone());
            Ok(product)
        })
    }

    fn update(&self, request: UpdateProductRequest) -> Result<Product, ShopError> {
        let UpdateProductRequest { shop, product, update_mask, expected_revision } = request;
        let (update, paths) = (product.unwrap_or_default(), update_mask.unwrap_or_default().paths);
        let mut violations = Violations::default();
        violations.check_shop(&shop);
        violations.check_product("product", &update, true);
        update_mask::check(&paths, &mut violations);
        violations.check()?;
        self.store.open(&shop, |shop| {
            let stored = shop.product(&update.id)?;
            if let Some(expected) = expected_revision.filter(|it| *it != stored.revision) {
                let (name, stored) = (update.id, stored.revision);
                return Err(ShopError::RevisionMismatch { name, expected, stored });
            }
            let mut product = update_mask::merged(stored, update, &paths);
            product.revision = stored.revision + 1;
            shop.products.insert(product.id.clone(), product.clone());
            Ok(product)
        })
    }

    fn delete(&self, request: &DeleteProductRequest) -> Result<(), ShopError> {
        let mut violations = Violations::default();
        violations.check_shop(&request.shop);
        violations.check_id("product_id", &request.product_id);
        violations.check()?;
        self.store.open(&request.shop, |shop| {
            shop.product(&request.product_id)?;
            shop.products.remove(&request.product_id);
            Ok(())
        })
    }

    fn category(&self, request: &GetCategoryRequest) -> Result<Category, ShopError> {
        let mut violations = Violations::default();
        if !request.category_id.is_empty() {
            violations.check_id("category_id", &request.category_id);
        }
        violations.check()?;
        self.store.category(&request.category_id, request.depth)
    }

    fn search(
        &self,
        request: &SearchProductsRequest,
        locale: Locale,
    ) -> Result<Vec<Product>, ShopError> {
        let mut violations = Violations::default();
        violations.check_shop(&request.shop);
        let weight = request.weight.unwrap_or_default();
        if let (Some(minimum), Some(maximum)) = (weight.minimum, weight.maximum)
            && minimum > maximum
        {
            violations.add("weight", "must have a minimum that is not above the maximum");
        }
        violations.check()?;
        let products = self.store.open(&request.shop, |shop| shop.products.clone());
        let products = products.into_values().map(|product| localized(product, locale));
        Ok(products.filter(|product| matches(product, request)).collect())
    }

    /// The import that a request with this shop continues or begins.
    fn import(
        &self,
        started: Option<ProductImport>,
        shop: &str,
    ) -> Result<ProductImport, ShopError> {
        let mut violations = Violations::default();
        match &started {
            None => violations.check_shop(shop),
            Some(started) if shop.is_empty() || shop == started.shop => {}
            Some(_) => violations.add("shop", "must be the shop of the first request"),
        }
        violations.check()?;
        Ok(started.unwrap_or_else(|| {
            let existing = self.store.open(shop, |shop| shop.products.clone());
            ProductImport::new(shop.to_owned(), existing)
        }))
    }

    fn order(&self, request: PlaceOrderRequest) -> Result<Order, ShopError> {
        orders::check(&request)?;
        let shop = request.shop.clone();
        self.store.open(&shop, |shop| orders::place(request, shop))
    }

    fn watched(&self, request: &WatchOrderRequest) -> Result<Order, ShopError> {
        let mut violations = Violations::default();
        violations.check_shop(&request.shop);
        violations.check_id("order_id", &request.order_id);
        if OrderState::try_from(request.first_state).is_err() {
            violations.add("first_state", "is unknown");
        }
        violations.check()?;
        let order =
            self.store.open(&request.shop, |shop| shop.orders.get(&request.order_id).cloned());
        order.ok_or_else(|| ShopError::NotFound { kind: "order", name: request.order_id.clone() })
    }
}

/// The product with its name in a language, if it has a name in it.
fn localized(mut product: Product, locale: Locale) -> Product {
    if let Some(name) = product.localized_names.get(locale.name()) {
        product.display_name.clone_from(name);
    }
    product
}

fn matches(product: &Product, request: &SearchProductsRequest) -> bool {
    let weight = request.weight.unwrap_or_default();
    product.display_name.to_lowercase().contains(&request.text.to_lowercase())
        && request.taxed.is_none_or(|taxed| product.taxed == taxed)
        && request.minimum_rating.is_none_or(|minimum| product.rating >= minimum)
        && weight.minimum.is_none_or(|minimum| product.weight >= minimum)
        && weight.maximum.is_none_or(|maximum| product.weight <= maximum)
}
