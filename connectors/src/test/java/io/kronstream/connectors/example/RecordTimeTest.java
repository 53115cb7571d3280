// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordTimeTest {

    @ParameterizedTest
    @CsvSource({
        "2016-07-01 00:00:00,                 2016-07-01T00:00:00Z",
        "2016-07-01T13:14:15,                 2016-07-01T13:14:15Z",
        "2016-07-01T13:14:15Z,                2016-07-01T13:14:15Z",
        "2016-07-01 13:14,                    2016-07-01T13:14:00Z",
        "2016-07-01,                          2016-07-01T00:00:00Z",
        "2019-11-24 00:01:03.979311+00:00,    2019-11-24T00:01:03.979Z",
        "2019-11-24T00:01:03.9+0530,          2019-11-23T18:31:03.900Z",
        "2019-11-24T00:01:03-08,              2019-11-24T08:01:03Z",
        "2020-02-29,                          2020-02-29T00:00:00Z",
        "1969-12-31 23:59:59.5,               1969-12-31T23:59:59.500Z",
        "0001-01-01,                          0001-01-01T00:00:00Z",
        "0,                                   1970-01-01T00:00:00Z",
        "1574553663,                          2019-11-24T00:01:03Z",
        "1574553663.979,                      2019-11-24T00:01:03.979Z",
        "1574553663979,                       2019-11-24T00:01:03.979Z",
        "-1000,                               1969-12-31T23:43:20Z",
        "1.574553663e9,                       2019-11-24T00:01:03Z",
    })
    void isATime(String text, Instant expected) {
        assertThat(parse(text)).isEqualTo(expected.toEpochMilli());
    }

    @Test
    void agreesWithTheCalendarOnEveryDayOfTwoCenturies() {
        for (long day = Instant.parse("1900-01-01T00:00:00Z").getEpochSecond();
                day < Instant.parse("2100-01-01T00:00:00Z").getEpochSecond();
                day += 86_400) {
            String text = Instant.ofEpochSecond(day + 45_296).toString();
            assertThat(parse(text)).as(text).isEqualTo((day + 45_296) * 1000);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "today",
                "2016-13-01",
                "2016-00-01",
                "2016-02-30",
                "2019-02-29",
                "2016-7-1",
                "01/07/2016",
                "2016-07-01 24:00:00",
                "2016-07-01 23:60",
                "2016-07-01 23:59:60",
                "2016-07-01 1:00",
                "2016-07-01 10",
                "2016-07-01x",
                "2016-07-01 10:00:00.",
                "2016-07-01 10:00:00+",
                "2016-07-01 10:00:00+1",
                "2016-07-01 10:00:00 UTC",
                "2016-07-01 10:00:00+25:00",
                "2016-07-01 10:00:00+01:60",
                "2016-07-01 ",
                "2016-07-01 10:00:00.1234567890",
                "1e300",
                "NaN",
                "999999999999999999",
                "2016-07-01Z"
            })
    void isNoTime(String text) {
        assertThat(parse(text)).isEqualTo(RecordTime.MALFORMED);
    }

    private static long parse(String text) {
        byte[] bytes = ("," + text + ",").getBytes(StandardCharsets.UTF_8);
        return RecordTime.parse(bytes, 1, bytes.length - 1);
    }
}
