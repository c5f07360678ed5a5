"""A key that asks much waits behind itself, whatever it asks and however it leaves."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.adapters.web.fair_places import Crowded, FairPlaces, fair_threads


def test_a_free_place_goes_to_the_next_key_and_not_to_the_next_request() -> None:
    async def run() -> list[str]:
        places, order, gate = FairPlaces(total=1, per_key=1), list[str](), asyncio.Event()

        async def ask(key: str) -> None:
            async with places.place(key):
                order.append(key)
                await gate.wait()
                await asyncio.sleep(0)

        greedy = [asyncio.ensure_future(ask("greedy")) for _ in range(20)]
        await asyncio.sleep(0)
        honest = [asyncio.ensure_future(ask(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*greedy, *honest)
        return order

    order = asyncio.run(run())
    assert len(order) == 22
    assert max(order.index("first"), order.index("second")) <= 4


def test_no_key_holds_more_than_its_share_and_the_rest_is_free_for_others() -> None:
    async def run() -> None:
        places = FairPlaces(total=8, per_key=4)
        held = [asyncio.ensure_future(places.place("greedy").__aenter__()) for _ in range(20)]
        await asyncio.sleep(0)
        assert sum(one.done() for one in held) == 4
        async with asyncio.timeout(60), places.place("honest", 4):
            pass
        for one in held:
            one.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    asyncio.run(run())


def test_a_large_request_is_not_overtaken_for_ever_and_one_beyond_a_share_is_let_in() -> None:
    async def run() -> list[str]:
        places, order = FairPlaces(total=4, per_key=4), list[str]()

        async def ask(key: str, amount: int) -> None:
            async with places.place(key, amount):
                order.append(key)
                await asyncio.sleep(0)

        first = asyncio.ensure_future(ask("a", 3))
        await asyncio.sleep(0)
        await asyncio.gather(first, ask("large", 900), *(ask(f"small-{n}", 1) for n in range(9)))
        return order

    assert asyncio.run(run()).index("large") == 1


def test_a_queue_that_is_full_refuses_its_own_key_only() -> None:
    async def run() -> int:
        places = FairPlaces(total=2, per_key=1, waiting_per_key=3)
        gate = asyncio.Event()

        async def ask() -> None:
            async with places.place("greedy"):
                await gate.wait()

        asked = [asyncio.ensure_future(ask()) for _ in range(10)]
        await asyncio.sleep(0)
        async with places.place("honest"):
            gate.set()
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert places.waiting == 0
        return sum(isinstance(one, Crowded) for one in ended)

    assert asyncio.run(run()) == 6


def test_all_that_wait_together_are_bounded_too() -> None:
    async def run() -> None:
        places = FairPlaces(total=1, per_key=1, waiting=2)
        async with places.place("first"):
            waiting = [
                asyncio.ensure_future(places.place(f"key-{n}").__aenter__()) for n in range(2)
            ]
            await asyncio.sleep(0)
            with pytest.raises(Crowded):
                await places.place("one-more").__aenter__()
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.booleans()), min_size=1, max_size=40
    )
)
def test_whoever_comes_and_goes_no_place_is_lost_or_given_twice(
    asked: list[tuple[str, int, bool]],
) -> None:
    async def run() -> None:
        places = FairPlaces(total=5, per_key=3, waiting_per_key=100)

        async def ask(key: str, amount: int) -> None:
            async with places.place(key, amount):
                assert places._used[key] <= 3
                assert places._used.total() == 5 - places._free <= 5
                await asyncio.sleep(0)

        tasks = []
        for key, amount, leaves in asked:
            task = asyncio.ensure_future(ask(key, amount))
            tasks.append(task)
            await asyncio.sleep(0)
            if leaves:
                task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(one) for one in ended} <= {type(None), asyncio.CancelledError}
        assert (places.waiting, places._free, places._used.total()) == (0, 5, 0)
        assert not places._queues
        async with asyncio.timeout(60), places.place("z", 3):
            pass

    asyncio.run(run())


def test_threads_of_one_kind_give_results_and_errors() -> None:
    async def run() -> None:
        threads = fair_threads(threads=2, per_key=1)
        assert await threads.run("a", divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await threads.run("a", divmod, 7, 0)

    asyncio.run(run())
