"""The methods of the service."""

# They have the names that they have in the .proto.
# ruff: noqa: N802

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty

from shop.v1 import product_pb2, shop_pb2, shop_pb2_grpc
from shop_service import call_metadata, errors, orders, update_mask
from shop_service.basket import Basket
from shop_service.errors import reports_errors, reports_stream_errors
from shop_service.product_import import ProductImport
from shop_service.store import Store, category
from shop_service.validation import Violations, is_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc

    from shop.v1.product_pb2 import Category, Product
    from shop.v1.shop_pb2 import (
        CreateProductRequest,
        DeleteProductRequest,
        EditBasketRequest,
        EditBasketResponse,
        GetCategoryRequest,
        GetProductRequest,
        ImportProductsRequest,
        ImportProductsResponse,
        ListProductsRequest,
        ListProductsResponse,
        Order,
        OrderEvent,
        PlaceOrderRequest,
        SearchProductsRequest,
        SearchProductsResponse,
        UpdateProductRequest,
        WatchOrderRequest,
    )

_DEFAULT_PAGE_SIZE = 5
_LARGEST_PAGE_SIZE = 50
# A page token is the last id of the previous page, after this prefix.
_AFTER = "after:"

# How long after the order each state is reached.
_PROGRESS = (
    (shop_pb2.ORDER_STATE_PLACED, Duration()),
    (shop_pb2.ORDER_STATE_PACKED, Duration(seconds=90 * 60)),
    (shop_pb2.ORDER_STATE_SHIPPED, Duration(seconds=24 * 60 * 60, nanos=500_000_000)),
    (shop_pb2.ORDER_STATE_DELIVERED, Duration(seconds=3 * 24 * 60 * 60)),
)


class ShopServicer(shop_pb2_grpc.ShopServicer):  # type: ignore[misc]
    """Implements shop.v1.Shop."""

    def __init__(self) -> None:
        self._store = Store()

    @reports_errors
    def GetProduct(self, request: GetProductRequest, context: grpc.ServicerContext) -> Product:
        """Return a product."""
        violations = Violations()
        violations.check_shop(request.shop)
        violations.check_id("product_id", request.product_id)
        violations.check()
        with self._store.opened(request.shop) as shop:
            product = shop.product(request.product_id)
        locale = call_metadata.locale(context)
        context.send_initial_metadata((("shop-locale", locale),))
        return _localized(product, locale)

    @reports_errors
    def ListProducts(
        self, request: ListProductsRequest, _: grpc.ServicerContext
    ) -> ListProductsResponse:
        """Return a page of the products."""
        violations = Violations()
        violations.check_shop(request.shop)
        if request.page_size < 0:
            violations.add("page_size", "must not be negative")
        after = request.page_token.removeprefix(_AFTER)
        if request.page_token and not (request.page_token.startswith(_AFTER) and is_id(after)):
            violations.add("page_token", "must be the token of another page")
        violations.check()
        size = min(request.page_size or _DEFAULT_PAGE_SIZE, _LARGEST_PAGE_SIZE)
        with self._store.opened(request.shop) as shop:
            products = shop.by_id()
        if request.states:
            products = [product for product in products if product.state in request.states]
        remaining = [product for product in products if product.id > after]
        page = remaining[:size]
        return shop_pb2.ListProductsResponse(
            products=page,
            next_page_token=f"{_AFTER}{page[-1].id}" if len(remaining) > size else "",
            total_size=len(products),
        )

    @reports_errors
    def CreateProduct(
        self, request: CreateProductRequest, context: grpc.ServicerContext
    ) -> Product:
        """Store a product that does not exist."""
        violations = Violations()
        violations.check_shop(request.shop)
        violations.check_product("product", request.product, needs_id=bool(request.shop))
        violations.check()
        product = request.product
        product.revision = 1
        with self._store.opened(request.shop) as shop:
            if product.id in shop.products:
                raise errors.already_exists("product", product.id)
            shop.products[product.id] = product
        call_metadata.return_request_id(context)
        return product

    @reports_errors
    def UpdateProduct(self, request: UpdateProductRequest, _: grpc.ServicerContext) -> Product:
        """Change a product, or some of its fields."""
        violations = Violations()
        violations.check_shop(request.shop)
        violations.check_product("product", request.product, needs_id=True)
        update_mask.check(request.update_mask.paths, violations)
        violations.check()
        product_id = request.product.id
        with self._store.opened(request.shop) as shop:
            stored = shop.product(product_id)
            if request.HasField("expected_revision"):
                expected = request.expected_revision
                if expected != stored.revision:
                    raise errors.revision_mismatch(product_id, expected, stored.revision)
            product = update_mask.merged(stored, request.product, request.update_mask.paths)
            product.revision = stored.revision + 1
            shop.products[product_id] = product
        return product

    @reports_errors
    def DeleteProduct(self, request: DeleteProductRequest, _: grpc.ServicerContext) -> Empty:
        """Delete a product, which may be one of the catalogue."""
        violations = Violations()
        violations.check_shop(request.shop)
        violations.check_id("product_id", request.product_id)
        violations.check()
        with self._store.opened(request.shop) as shop:
            shop.product(request.product_id)
            del shop.products[request.product_id]
        return Empty()

    @reports_errors
    def GetCategory(self, request: GetCategoryRequest, _: grpc.ServicerContext) -> Category:
        """Return a category with those in it."""
        violations = Violations()
        if request.category_id:
            violations.check_id("category_id", request.category_id)
        violations.check()
        depth = request.depth if request.HasField("depth") else None
        return category(request.category_id, depth)

    @reports_stream_errors
    def SearchProducts(
        self, request: SearchProductsRequest, context: grpc.ServicerContext
    ) -> Iterator[SearchProductsResponse]:
        """Yield the products that match."""
        violations = Violations()
        violations.check_shop(request.shop)
        weight = request.weight
        has_both = weight.HasField("minimum") and weight.HasField("maximum")
        if has_both and weight.minimum > weight.maximum:
            violations.add("weight", "must have a minimum that is not above the maximum")
        violations.check()
        locale = call_metadata.locale(context)
        context.send_initial_metadata((("shop-locale", locale),))
        with self._store.opened(request.shop) as shop:
            products = [_localized(product, locale) for product in shop.by_id()]
        found = [product for product in products if _matches(product, request)]
        limit = request.limit if request.HasField("limit") else len(found)
        for number, product in enumerate(found[:limit], start=1):
            yield shop_pb2.SearchProductsResponse(number=number, product=product)
        if len(found) > limit:
            raise errors.too_many_results(limit, len(found))
        context.set_trailing_metadata((("shop-found", str(len(found))),))

    @reports_errors
    def ImportProducts(
        self, requests: Iterator[ImportProductsRequest], _: grpc.ServicerContext
    ) -> ImportProductsResponse:
        """Store products until the client has sent the last one."""
        started: ProductImport | None = None
        for index, request in enumerate(requests):
            violations = Violations()
            if started is None:
                violations.check_shop(request.shop)
            elif request.shop not in {"", started.shop}:
                violations.add("shop", "must be the shop of the first request")
            violations.check()
            if started is None:
                with self._store.opened(request.shop) as shop:
                    started = ProductImport(request.shop, dict(shop.products))
            started.add(index, request)
        if started is None:
            return shop_pb2.ImportProductsResponse()
        with self._store.opened(started.shop) as shop:
            shop.products.update(started.accepted)
        return started.summary

    @reports_errors
    def PlaceOrder(self, request: PlaceOrderRequest, context: grpc.ServicerContext) -> Order:
        """Order products."""
        orders.check(request)
        with self._store.opened(request.shop) as shop:
            order = orders.place(request, shop)
        call_metadata.return_request_id(context)
        total = f"{order.total.units}.{order.total.nanos:09} {order.total.currency_code}"
        context.set_trailing_metadata((("shop-total", total),))
        return order

    @reports_stream_errors
    def WatchOrder(
        self, request: WatchOrderRequest, _: grpc.ServicerContext
    ) -> Iterator[OrderEvent]:
        """Yield what happens to an order."""
        violations = Violations()
        violations.check_shop(request.shop)
        violations.check_id("order_id", request.order_id)
        if request.first_state not in shop_pb2.OrderState.values():
            violations.add("first_state", "is unknown")
        violations.check()
        with self._store.opened(request.shop) as shop:
            order = shop.orders.get(request.order_id)
        if order is None:
            raise errors.not_found("order", request.order_id)
        events = [event for event in _PROGRESS if event[0] >= request.first_state]
        for number, (state, elapsed) in enumerate(events, start=1):
            event = shop_pb2.OrderEvent(number=number, state=state, elapsed=elapsed)
            if number == 1:
                event.order.CopyFrom(order)
            yield event

    @reports_stream_errors
    def EditBasket(
        self, requests: Iterator[EditBasketRequest], context: grpc.ServicerContext
    ) -> Iterator[EditBasketResponse]:
        """Answer each request before the next one is read."""
        with self._store.opened("") as shop:
            basket = Basket(shop.products)
        step = 0
        for step, request in enumerate(requests, start=1):
            yield basket.edited(step, request)
        context.set_trailing_metadata((("shop-steps", str(step)),))


def _localized(product: Product, locale: str) -> Product:
    """Return a product whose name is in a language, if it has a name in it."""
    if locale not in product.localized_names:
        return product
    localized = product_pb2.Product()
    localized.CopyFrom(product)
    localized.display_name = product.localized_names[locale]
    return localized


def _matches(product: Product, request: SearchProductsRequest) -> bool:
    weight = request.weight
    return (
        request.text.lower() in product.display_name.lower()
        and (not request.HasField("taxed") or product.taxed == request.taxed)
        and (not request.HasField("minimum_rating") or product.rating >= request.minimum_rating)
        and (not weight.HasField("minimum") or product.weight >= weight.minimum)
        and (not weight.HasField("maximum") or product.weight <= weight.maximum)
    )
