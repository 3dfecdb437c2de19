from hsi.scenes.palette import OKABE_ITO, distinct_colours


def test_palette():
    assert distinct_colours(8) == OKABE_ITO
    assert distinct_colours(0) == ()
    assert distinct_colours(200)[:20] == distinct_colours(20)
    for count in (24, 200, 3000):
        assert len(set(distinct_colours(count))) == count
        assert "#000000" not in distinct_colours(count)
