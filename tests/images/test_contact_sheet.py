from PIL import Image

from stylekernel_hf.images.contact_sheet import GAP, contact_sheet

CELL = 20
WHITE = (255, 255, 255)


def plain(*color: int, size: tuple[int, int] = (CELL, CELL)) -> Image.Image:
    return Image.new("RGB", size, color)


def middle_of(row: int, column: int) -> tuple[int, int]:
    """Where the cell's middle is, as x and y."""
    step = CELL + GAP
    return GAP + column * step + CELL // 2, GAP + row * step + CELL // 2


def test_results_stand_under_their_style_and_beside_their_content():
    contents = [plain(100 + i, 0, 0) for i in range(2)]
    styles = [plain(0, 100 + j, 0) for j in range(3)]
    stylized = [[plain(100 + i, 100 + j, 0) for j in range(3)] for i in range(2)]
    sheet = contact_sheet(contents, styles, stylized, cell=CELL)

    assert sheet.size == (4 * (CELL + GAP) + GAP, 3 * (CELL + GAP) + GAP)
    assert sheet.getpixel(middle_of(0, 0)) == WHITE
    for i in range(2):
        assert sheet.getpixel(middle_of(i + 1, 0)) == (100 + i, 0, 0)
        for j in range(3):
            assert sheet.getpixel(middle_of(0, j + 1)) == (0, 100 + j, 0)
            assert sheet.getpixel(middle_of(i + 1, j + 1)) == (100 + i, 100 + j, 0)


def test_cells_fill_their_squares_and_gaps_stay_white():
    sheet = contact_sheet([plain(1, 2, 3)], [plain(4, 5, 6)], [[plain(7, 8, 9)]], cell=CELL)
    start = GAP + CELL + GAP
    cell = sheet.crop((start, start, start + CELL, start + CELL))
    assert cell.getcolors() == [(CELL * CELL, (7, 8, 9))]
    gap = sheet.crop((GAP + CELL, 0, start, sheet.height))
    assert gap.getcolors() == [(GAP * sheet.height, WHITE)]


def test_missing_results_stay_white():
    stylized = [[None, plain(7, 8, 9)]]
    sheet = contact_sheet([plain(1, 2, 3)], [plain(4, 5, 6)] * 2, stylized, cell=CELL)
    assert sheet.getpixel(middle_of(1, 1)) == WHITE
    assert sheet.getpixel(middle_of(1, 2)) == (7, 8, 9)


def test_pictures_of_another_shape_are_scaled_down_into_the_middle_and_left_as_they_were():
    wide = plain(9, 9, 9, size=(4 * CELL, 2 * CELL))
    sheet = contact_sheet([wide], [plain(4, 5, 6)], [[plain(7, 8, 9)]], cell=CELL)
    top = GAP + CELL + GAP
    cell = sheet.crop((GAP, top, GAP + CELL, top + CELL))
    picture = cell.crop((0, CELL // 4, CELL, 3 * CELL // 4))
    assert picture.getcolors() == [(CELL * CELL // 2, (9, 9, 9))]
    assert cell.getpixel((CELL // 2, 0)) == cell.getpixel((CELL // 2, CELL - 1)) == WHITE
    assert wide.size == (4 * CELL, 2 * CELL)
