// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecimalNumberTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-0",
                "+1",
                "1.",
                ".5",
                "-.5",
                "007",
                "1e0",
                "1E+2",
                "1e-2",
                "9007199254740992",
                "9007199254740993",
                "9007199254740992e22",
                "1e22",
                "1e23",
                "1e-22",
                "1e-23",
                "1.5989999771118164",
                "5.827000141143799",
                "0.05644299999999999",
                "123456789012345678901234567890",
                "0.1000000000000000055511151231257827",
                "4.9e-324",
                "2.2250738585072011e-308",
                "1.7976931348623157e308",
                "1e-99999"
            })
    void isTheNearestDouble(String text) {
        assertThat(parse(text)).isEqualTo(Double.parseDouble(text));
    }

    @Test
    void isTheNearestDoubleOfAnyDecimal() {
        long seed = 20261120;
        Random random = new Random(seed);
        for (int round = 0; round < 50_000; round++) {
            double value = Double.longBitsToDouble(random.nextLong());
            String shortest = Double.toString(random.nextInt(2) == 0 ? value : random.nextGaussian() * 1000);
            if (Double.isFinite(Double.parseDouble(shortest))) {
                assertThat(parse(shortest)).as("seed %d: %s", seed, shortest).isEqualTo(Double.parseDouble(shortest));
            }
            String fixed = String.format(Locale.ROOT, "%.6f", random.nextGaussian() * 1e6);
            assertThat(parse(fixed)).as("seed %d: %s", seed, fixed).isEqualTo(new BigDecimal(fixed).doubleValue());
        }
    }

    /** Short text is read at once where eight bytes are there, whatever comes after it; else digit by digit. */
    @Test
    void shortTextIsReadAlikeWithAndWithoutSomethingBehindIt() {
        long seed = 20261129;
        Random random = new Random(seed);
        String characters = "0123456789012345678901234567890123456789....+-e,x \u00e9\u00ff";
        for (int round = 0; round < 300_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int length = random.nextInt(10); length > 0; length--) {
                text.append(characters.charAt(random.nextInt(characters.length())));
            }
            byte[] alone = text.toString().getBytes(StandardCharsets.ISO_8859_1);
            byte[] before = (random.nextInt(100) + text.toString() + ",12345678").getBytes(StandardCharsets.ISO_8859_1);
            int from = before.length - alone.length - 9;
            double expected = isNumber(text.toString()) ? Double.parseDouble(text.toString()) : DecimalNumber.MALFORMED;
            assertThat(DecimalNumber.parse(alone, 0, alone.length))
                    .as("seed %d: %s", seed, text)
                    .isEqualTo((Double) expected);
            assertThat(DecimalNumber.parse(before, from, from + alone.length))
                    .as("seed %d: %s", seed, text)
                    .isEqualTo((Double) expected);
        }
    }

    private static boolean isNumber(String text) {
        return text.matches("[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]{1,5})?");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-",
                "+",
                ".",
                "e5",
                "1e",
                "1e+",
                "1e123456",
                "NaN",
                "nan",
                "Infinity",
                "inf",
                "0x1p3",
                "1f",
                "1d",
                "1,5",
                "1_000",
                "1 2",
                " 1",
                "1 ",
                "--1",
                "1.2.3",
                "１",
                "٣",
                "1e5.0",
                "$1"
            })
    void isNoNumber(String text) {
        assertThat(parse(text)).isNaN();
    }

    @Test
    void isBoundedInLength() {
        assertThat(parse("1".repeat(DecimalNumber.MAX_LENGTH))).isFinite();
        assertThat(parse("1".repeat(DecimalNumber.MAX_LENGTH + 1))).isNaN();
    }

    @Test
    void isInfiniteBeyondTheRangeOfDouble() {
        assertThat(parse("1e400")).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(parse("-1e400")).isEqualTo(Double.NEGATIVE_INFINITY);
    }

    private static double parse(String text) {
        byte[] bytes = ("," + text + ",").getBytes(StandardCharsets.UTF_8);
        return DecimalNumber.parse(bytes, 1, bytes.length - 1);
    }
}
