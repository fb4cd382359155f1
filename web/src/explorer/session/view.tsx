import { useTitle } from '../frame/title';
import { root } from '../router';
import { t } from '../texts';
import SignIn from './sign-in';

export default function SignInView() {
  useTitle(t.signIn);
  return (
    <div className="view">
      <h1>{t.signIn}</h1>
      <p>{t.signInWhy}</p>
      <SignIn next={root.href} />
    </div>
  );
}
