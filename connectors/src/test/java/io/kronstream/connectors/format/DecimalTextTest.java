// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DecimalTextTest {
    private static final int BEFORE = 3;

    @ParameterizedTest
    @CsvSource({
        "0, 0.0",
        "-0.0, -0.0",
        "1, 1.0",
        "-1, -1.0",
        "9999999, 9999999.0",
        "1e7, 1.0E7",
        "0.5, 0.5",
        "0.1, 0.1",
        "-0.3, -0.3",
        "123.25, 123.25",
        "0.00001, 0.00001",
        "9e-6, 9.0E-6",
        "0.30000000000000004, 0.30000000000000004",
        "4.9e-324, 4.9E-324",
        "1.7976931348623157e308, 1.7976931348623157E308"
    })
    void theTextIsThis(double value, String text) {
        assertThat(text(value)).isEqualTo(text);
    }

    @Test
    void everyNumberReadsBackAsItself() throws Exception {
        ObjectMapper json = new ObjectMapper();
        long seed = 20261121;
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 200_000; round++) {
            double power = Math.scalb(1.0, random.nextInt(-20, 30));
            double value =
                    switch (round % 8) {
                        case 0 -> random.nextDouble();
                        case 1 -> Math.pow(10, random.nextDouble(-7, 9));
                        case 2 -> -random.nextDouble() * power;
                        case 3 -> random.nextInt(1 << 25);
                        case 4 -> random.nextInt(1_000_000) / Math.pow(10, random.nextInt(12));
                        case 5 -> Math.nextUp(power);
                        case 6 -> Math.nextDown(power);
                        default -> Double.longBitsToDouble(random.nextLong());
                    };
            if (Double.isFinite(value)) {
                String text = text(value);
                assertThat(Double.parseDouble(text))
                        .as("seed %d: %s", seed, text)
                        .isEqualTo(value);
                assertThat(json.readTree(text).doubleValue()).isEqualTo(value);
            }
        }
    }

    private static String text(double value) {
        byte[] bytes = new byte[BEFORE + DecimalText.MAX_LENGTH];
        int end = DecimalText.write(value, bytes, BEFORE);
        return new String(bytes, BEFORE, end - BEFORE, StandardCharsets.US_ASCII);
    }
}
