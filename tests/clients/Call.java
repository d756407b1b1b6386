// Calls Roster with the client that openapi-generator made.

import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.UsersApi;
import org.openapitools.client.model.BatchIn;
import org.openapitools.client.model.BatchUserIn;
import org.openapitools.client.model.UserIn;

class Call {
    public static void main(String[] arguments) throws ApiException {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("ROSTER_URL"));
        String authorization = "Bearer " + System.getenv("ROSTER_KEY");
        client.setRequestInterceptor(request -> request.header("Authorization", authorization));
        UsersApi users = new UsersApi(client);

        Map<String, Object> properties = Map.of("plan", "premium", "address", Map.of("city", "Köln"));
        UserIn user = new UserIn().userId("a/b?c#é").email("user@example.com").properties(properties);
        is(users.upsertUser(user, null).getExternalId(), "a/b?c#é");
        is(users.getUser("a/b?c#é", null, null).getUser().getProperties(), properties);
        is(users.listUsers(10, null, "user@example.com", null).getUsers().size(), 1);

        is(users.listChanges(null, null, null, 10).getChanges().size(), 1);

        BatchUserIn again = new BatchUserIn().userId("a/b?c#é").properties(properties);
        BatchIn batch = new BatchIn().users(List.of(again, new BatchUserIn().userId("b").phone("0")));
        is(users.upsertUsers(batch).getFailedCount(), 1);

        try {
            users.upsertUser(new UserIn().userId("a").email("nobody"), null);
            throw new AssertionError("not refused");
        } catch (ApiException refused) {
            is(refused.getCode(), 400);
        }
        is(users.deleteUser("a/b?c#é", null).getDeleted(), true);
    }

    static void is(Object actual, Object expected) {
        if (!expected.equals(actual)) {
            throw new AssertionError(actual + ", not " + expected);
        }
    }
}
